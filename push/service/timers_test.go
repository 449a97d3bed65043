package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timers := newTimers()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		start := time.Now()
		fired := map[string][]time.Duration{}
		wg.Go(func() {
			timers.run(ctx, func(_ context.Context, key string) { fired[key] = append(fired[key], time.Since(start)) })
		})
		want := map[string]time.Duration{}
		for range 2000 {
			key := fmt.Sprint(rand.IntN(300))
			switch at := time.Duration(rand.IntN(1000)) * time.Millisecond; rand.IntN(5) {
			case 0:
				timers.stop(key)
				delete(want, key)
			default:
				timers.set(key, start.Add(at))
				want[key] = at
			}
		}
		synctest.Wait() // what was set to the past or to now fires now, once more perhaps
		time.Sleep(2 * time.Second)
		cancel()
		wg.Wait()
		for key, at := range want {
			if at > 0 && !slices.Contains(fired[key], at) {
				t.Errorf("%s: fired at %v, want %v", key, fired[key], at)
			}
		}
		if len(timers.queue) != 0 || len(timers.byKey) != 0 {
			t.Errorf("left over: %d entries, %d keys", len(timers.queue), len(timers.byKey))
		}
	})
}

func TestToken(t *testing.T) {
	tests := map[string]string{
		"7602C7E0-0f": "7602c7e0-0f", "a.b": "a=2eb", "a*>": "a=2a=3e", "": "", "=2e": "=3d2e", "ü": "=c3=bc", "a b": "a=20b",
	}
	for id, want := range tests {
		if got := token(id); got != want {
			t.Errorf("token(%q): got %q, want %q", id, got, want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	c := &call{}
	c.move(Queued)
	for range 1000 {
		c.move(Delivered)
		c.move(Unanswered)
	}
	if len(c.History) != maxSteps || c.History[0].State != Queued || c.History[maxSteps-1].State != Unanswered {
		t.Errorf("got %d steps from %s to %s", len(c.History), c.History[0].State, c.History[len(c.History)-1].State)
	}
}

func FuzzBodyField(f *testing.F) {
	for _, seed := range []string{"", `{"apiKey":"k"}`, `{"apiKey":7}`, `{"apiKey"`, "apiKey=k", "APIKEY=%zz", " {", "apiKey"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := bodyField(body, "apiKey"); len(got) > len(body)*3 {
			t.Errorf("%q: a value of %d bytes", body, len(got))
		}
	})
}

func FuzzSplitPath(f *testing.F) {
	for _, seed := range []string{"/push/a", "/1/push/a%2Fb/ack/x", "//", "/%zz", "/push/%2e%2e/ack/..", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		parts, ok := splitPath(u)
		if ok && len(parts) == 0 {
			t.Errorf("%q: no parts", path)
		}
		for _, part := range parts {
			if ok && strings.Trim(token(part), "abcdefghijklmnopqrstuvwxyz0123456789=-_") != "" {
				t.Errorf("%q: token %q", part, token(part))
			}
		}
	})
}

func FuzzMergeContainer(f *testing.F) {
	f.Add([]byte(`{"name":"x","action":{"buttons":[{"text":"a"}]}}`))
	f.Add([]byte(`{"maxHeartbeatTimeout":1e99}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := registration{}.Object
		if message := mergeContainer(&c, body); message == "" && (c.ID == "" || c.Name == "") {
			t.Errorf("%q: accepted without id or name", body)
		}
	})
}
