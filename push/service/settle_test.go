package service_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Settle waits for those who showed a key, half a body or not, and for nobody else.
func TestSettle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		half := func(path, header, value string) (rest *io.PipeWriter, status chan int) {
			body, rest := io.Pipe()
			status = make(chan int, 1)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://service"+path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(header, value)
			go func() {
				resp, err := w.client.Do(r)
				if err != nil {
					status <- 0
					return
				}
				resp.Body.Close()
				status <- resp.StatusCode
			}()
			io.WriteString(rest, `{"data":`)
			synctest.Wait()
			return rest, status
		}
		settle := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			return w.s.Settle(ctx)
		}
		stranger, strange := half("/push/box/result/c1", "x-api-key", "guess")
		if err := settle(); err != nil {
			t.Errorf("with a stranger: got %v, want nobody waited for", err)
		}
		operator, status := half("/api/v1/containers/box/calls", "Authorization", "Bearer "+w.admin)
		if err := settle(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with an operator: got %v, want them waited for", err)
		}
		go func() {
			time.Sleep(time.Second)
			io.WriteString(operator, `"x"}`)
			operator.Close()
		}()
		if err := settle(); err != nil {
			t.Errorf("an operator who goes on: got %v", err)
		}
		if got := <-status; got != http.StatusAccepted {
			t.Errorf("the operator got %d, want 202", got)
		}
		w.poll().wait() // the operator's call
		p := w.poll()
		if err := settle(); err == nil {
			t.Error("with a poll: got nil, want it waited for")
		}
		p.cancel()
		stranger.Close()
		if got := <-strange; got != http.StatusUnauthorized {
			t.Errorf("the stranger got %d, want 401", got)
		}
	})
}
