package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// watch runs until it has printed n lines on stdout, then is stopped.
func (f *fake) watch(n int, args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	r, w := io.Pipe()
	var errs strings.Builder
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"watch"}, args...), f.env, w, &errs)
		w.Close()
	}()
	var out strings.Builder
	buf := make([]byte, 4096)
	for strings.Count(out.String(), "\n") < n {
		k, err := r.Read(buf)
		out.Write(buf[:k])
		if err != nil {
			break
		}
	}
	cancel()
	io.Copy(&out, r)
	return <-ended, out.String(), errs.String()
}

const (
	callEvent  = "event: call\ndata: {\"messageId\":\"c1\",\"container\":\"" + boxID + "\",\"data\":\"led read\",\"state\":\"failed\",\"result\":{\"success\":false,\"message\":\"no led\"}}\n\n"
	atticEvent = "id: 7\nevent: container\ndata: {\"id\":\"" + otherID + "\",\ndata: \"name\":\"attic\",\"state\":\"online\"}\n\n"
	shopEvent  = "event: container\ndata: {\"id\":\"" + boxID + "\",\"name\":\"shop-12\",\"state\":\"late\"}\n\n"
)

func TestWatch(t *testing.T) {
	f := newFake(t)
	f.stream = []string{"event: news\ndata: {}\n\n" + callEvent + atticEvent + atticEvent + shopEvent}
	code, out, err := f.watch(3)
	want(t, "watch", code, 0, out+err, `shop-12  call "led read" failed: no led`, "attic  online\n", "shop-12  late\n", "!news")
	if got := strings.Count(out, "\n"); got != 3 {
		t.Errorf("got\n%s\nwant three lines: what did not change is not repeated", out)
	}

	f.stream = []string{strings.Replace(atticEvent, `"online"`, `"signed-off","reason":"update"`, 1)}
	code, out, err = f.watch(1)
	want(t, "watch a sign-off", code, 0, out+err, "attic  signed off: update\n")

	f.stream = []string{callEvent + atticEvent + shopEvent}
	code, out, err = f.watch(2, "shop-12")
	want(t, "watch shop-12", code, 0, out+err, "led read", "late", "!attic")

	f.stream = []string{callEvent + atticEvent}
	code, out, err = f.watch(2, "-json")
	want(t, "watch -json", code, 0, out+err, `{"event":"call","data":{"messageId":"c1"`, `{"event":"container","data":{"id":"`+otherID)
}

// A stream that breaks is taken up again, and the gap is told.
func TestWatchReconnects(t *testing.T) {
	f := newFake(t)
	f.stream = []string{callEvent, shopEvent, strings.ReplaceAll(shopEvent, "late", "offline")}
	code, out, err := f.watch(4) // the list still says online, so each connection shows it again
	want(t, "watch", code, 0, out+err, "led read", "late", "offline", "the service went away (", "the service is back")
	if got := strings.Count(err, "went away"); got != 2 {
		t.Errorf("got %d losses in\n%s\nwant both told, once each", got, err)
	}
}

func TestWatchFaults(t *testing.T) {
	f := newFake(t)
	f.answers["GET /containers"] = `503 {"error":"draining"}`
	code, out, err := f.do("watch")
	want(t, "first connection", code, 1, out+err, "draining")
	f = newFake(t)
	f.answers["GET /events"] = `403 {"error":"not for you"}`
	code, out, err = f.do("watch")
	want(t, "not allowed", code, 1, out+err, "not for you")
	code, out, err = f.do("watch", "nobody")
	want(t, "nobody", code, 1, out+err, "nobody")
}

func TestReadEvents(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"comment and retry", ": x\nretry: 5\n\nevent: a\ndata: 1\n\n", "a=1;"},
		{"no space", "event:a\ndata:1\n\n", "a=1;"},
		{"several lines", "data: 1\ndata: 2\nevent: a\n\n", "a=1\n2;"},
		{"carriage returns", "event: a\r\ndata: 1\r\n\r\n", "a=1;"},
		{"cut off", "event: a\ndata: 1\n", ""},
		{"no data", "event: a\n\nevent: b\ndata: 1\n\n", "b=1;"},
	} {
		var got strings.Builder
		err := readEvents(strings.NewReader(tt.in), func(e event) error {
			got.WriteString(e.name + "=" + string(e.data) + ";")
			return nil
		})
		if !errors.Is(err, io.EOF) || got.String() != tt.want {
			t.Errorf("%s: got %q, %v; want %q, EOF", tt.name, &got, err, tt.want)
		}
	}
	if err := readEvents(strings.NewReader("data: "+strings.Repeat("x", eventLimit+1)), nil); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v for an endless line, want an error", err)
	}
}

// FuzzReadEvents holds that nothing a service sends makes the reader panic or
// hand out an event without data.
func FuzzReadEvents(f *testing.F) {
	f.Add(callEvent + atticEvent)
	f.Add("data\n\n:\n\ndata:\x00\r\n\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		err := readEvents(strings.NewReader(s), func(e event) error {
			if len(e.data) == 0 {
				t.Error("an event without data")
			}
			return nil
		})
		if err == nil {
			t.Error("the end of the stream is no error")
		}
	})
}
