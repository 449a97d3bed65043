package service_test

import (
	"sync"
	"testing"
	"time"
)

const success = `{"success":true,"message":""}`

func (w *world) ack(id string) got { w.t.Helper(); return w.device("POST", "/push/box/ack/"+id, "") }

func (w *world) result(id, body string) got {
	w.t.Helper()
	return w.device("POST", "/push/box/result/"+id, body)
}

// delivered makes a call and has it delivered.
func (w *world) delivered(ttl string) string {
	w.t.Helper()
	id := w.call("x", ttl)
	if got := messageID(w.t, w.poll().wait()); got != id {
		w.t.Fatalf("got %q, want %s", got, id)
	}
	return id
}

const done = `{"success":true,"message":"done","data":{"state":"done"}}`

func TestAcknowledgeAndResult(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("60s")
		wantReply(t, "ack", w.ack(id), 200, success)
		w.wantState(id, "acknowledged")
		wantReply(t, "result", w.result(id, done), 200, success)
		w.wantState(id, "succeeded")
		wantReply(t, "the same result", w.result(id, `{"success":true, "message":"done", "data":{ "state":"done"}}`), 200, success)
		wantReply(t, "another result", w.result(id, `{"success":false,"message":"","data":{}}`), 200, `{"success":false,"message":"closed: the result was succeeded"}`)
		w.wantState(id, "succeeded")
		wantReply(t, "late ack", w.ack(id), 200, `{"success":false,"message":"closed: the result was succeeded"}`)
	})
}

func TestVerdicts(t *testing.T) {
	tests := map[string]string{
		`{"success":true,"message":"","data":{}}`:                   "succeeded",
		`{"success":true}`:                                          "succeeded",
		`{"success":false,"message":"busy","data":{}}`:              "failed",
		`{"success":false,"message":"","data":{"state":"unknown"}}`: "unknown",
		`{"success":true,"message":"","data":"text"}`:               "succeeded",
		`success=true&message=ok`:                                   "succeeded",
		`success=false&message=no`:                                  "failed",
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for body, want := range tests {
			id := w.delivered("60s")
			wantReply(t, "ack", w.ack(id), 200, success)
			wantReply(t, body, w.result(id, body), 200, success)
			if got := w.state(id); got != want {
				t.Errorf("%s: got %s, want %s", body, got, want)
			}
		}
	})
}

func TestLeaseRunsOut(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("10m")
		w.ack(id)
		time.Sleep(30*time.Second - time.Millisecond)
		w.wantState(id, "acknowledged")
		time.Sleep(time.Millisecond)
		w.wantState(id, "unanswered")
	})
}

func TestAckRenewsLease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("60s")
		for range 20 { // five minutes, far beyond the life
			wantReply(t, "ack", w.ack(id), 200, success)
			time.Sleep(15 * time.Second)
			w.wantState(id, "acknowledged")
		}
		time.Sleep(16 * time.Second)
		w.wantState(id, "unanswered")
	})
}

func TestLate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		acked := w.delivered("60s")
		w.ack(acked)
		silent := w.delivered("60s")
		time.Sleep(31 * time.Second)
		w.wantState(acked, "unanswered")
		w.wantState(silent, "unanswered")
		wantReply(t, "late ack within the life", w.ack(silent), 200, success)
		w.wantState(silent, "acknowledged, late")
		wantReply(t, "late result", w.result(silent, done), 200, success)
		w.wantState(silent, "succeeded, late")
		time.Sleep(24*time.Hour - 2*time.Second)
		wantReply(t, "result after almost a day", w.result(acked, done), 200, success)
		w.wantState(acked, "succeeded, late")
	})
}

func TestTooLate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("60s")
		w.ack(id)
		time.Sleep(25 * time.Hour)
		w.wantState(id, "unanswered")
		wantReply(t, "result after more than a day", w.result(id, done), 200, `{"success":false,"message":"expired: no answer within a day"}`)
		w.wantState(id, "unanswered")
	})
}

func TestExpires(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.call("x", "5s")
		time.Sleep(5*time.Second - time.Millisecond)
		w.wantState(id, "queued")
		time.Sleep(time.Millisecond)
		w.wantState(id, "expired")
		wantReply(t, "poll", w.poll().wait(), 200, idle)
		wantReply(t, "ack", w.ack(id), 200, `{"success":false,"message":"expired"}`)
		wantReply(t, "result", w.result(id, done), 200, `{"success":false,"message":"expired"}`)
	})
}

func TestNotAcknowledgedWithinLife(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("5s")
		time.Sleep(5 * time.Second)
		wantReply(t, "ack", w.ack(id), 200, `{"success":false,"message":"expired"}`)
		w.wantState(id, "expired")
	})
}

func TestRedelivery(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("100s")
		time.Sleep(time.Second)
		plain := w.poll()
		time.Sleep(44 * time.Second) // beyond the lease
		if !plain.open() {
			t.Fatal("a client that does not know duplicates got one, or something else")
		}
		plain.wait()
		if got := messageID(t, w.poll("x-longarm-dedupe: 1").wait()); got != id {
			t.Errorf("after the lease: got %q, want %s again", got, id)
		}
		w.wantState(id, "delivered")
		g := w.poll("x-longarm-dedupe: 1").wait()
		if got := messageID(t, g); got != id || g.took != 30*time.Second {
			t.Errorf("got %q after %v, want %s after a second lease", got, g.took, id)
		}
	})
}

func TestRedeliveryWakesHeldPoll(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("10m")
		g := w.poll("x-longarm-dedupe: 1").wait()
		if got := messageID(t, g); got != id || g.took != 30*time.Second {
			t.Errorf("got %q after %v, want %s after the lease of 30s", got, g.took, id)
		}
		w.ack(id)
		wantReply(t, "acknowledged: never again", w.poll("x-longarm-dedupe: 1").wait(), 200, idle)
	})
}

func TestReasons(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("other", "k2")
		id := w.delivered("60s")
		const unknown = `{"success":false,"message":"unknown call: this container has none of that id"}`
		wantReply(t, "unknown ack", w.ack("nonsense"), 200, unknown)
		wantReply(t, "unknown result", w.result("nonsense", done), 200, unknown)
		g := w.send(t.Context(), "POST", "/push/other/result/"+id, done, "x-api-key: k2")
		wantReply(t, "result of another container", g, 200, unknown)
		queued := w.call("x", "60s")
		wantReply(t, "ack of a queued call", w.ack(queued), 200, `{"success":false,"message":"not delivered: the call waits for a poll"}`)
		w.wantState(id, "delivered")
	})
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.call("x", "60s")
		v := w.api("DELETE", "/api/v1/calls/"+id, "", 200)
		if v["state"] != "cancelled" {
			t.Errorf("got %v, want cancelled", v["state"])
		}
		w.api("DELETE", "/api/v1/calls/"+id, "", 200) // once more
		wantReply(t, "poll", w.poll().wait(), 200, idle)
		wantReply(t, "ack", w.ack(id), 200, `{"success":false,"message":"cancelled"}`)
		id = w.delivered("60s")
		w.api("DELETE", "/api/v1/calls/"+id, "", 409)
		w.wantState(id, "delivered")
	})
}

// A call that was delivered before a restart keeps its lease afresh, a queued one its place and the rest of its life.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("10m")
		w.ack(id)
		first, second := w.call("first", "60s"), w.call("second", "60s")
		time.Sleep(20 * time.Second)
		w.restart()
		time.Sleep(29 * time.Second)
		w.wantState(id, "acknowledged")
		for _, want := range []string{first, second} {
			if got := messageID(t, w.poll().wait()); got != want {
				t.Errorf("got %q, want %s", got, want)
			}
		}
		time.Sleep(time.Second)
		w.wantState(id, "unanswered")
		time.Sleep(10 * time.Second)
		w.wantState(first, "expired")
	})
}

func TestWaitForCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("10m")
		w.ack(id)
		start := time.Now()
		v := w.api("GET", "/api/v1/calls/"+id+"?wait=2m", "", 200)
		if v["state"] != "unanswered" || time.Since(start) != 30*time.Second {
			t.Errorf("got %v after %v, want unanswered at once after the lease", v["state"], time.Since(start))
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			time.Sleep(time.Minute)
			w.result(id, done)
		})
		start = time.Now()
		v = w.api("GET", "/api/v1/calls/"+id+"?wait=2m", "", 200)
		if v["state"] != "succeeded" || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v, want succeeded after a minute", v["state"], time.Since(start))
		}
		at := v["at"].(map[string]any)
		for _, key := range []string{"queued", "delivered", "acknowledged", "closed"} {
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", at[key].(string)); err != nil {
				t.Errorf("at.%s: %v", key, err)
			}
		}
		start = time.Now()
		w.api("GET", "/api/v1/calls/"+id+"?wait=2m", "", 200)
		if took := time.Since(start); took != 0 {
			t.Errorf("a closed call was waited for, %v", took)
		}
	})
}
