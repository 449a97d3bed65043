package agent

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/push"
)

func TestEveryAnswerHasItsKeys(t *testing.T) {
	bubble(t, func(b *bench) {
		b.link.ack = func(string) (push.Reply, error) { return push.Reply{Message: "expired"}, nil }
		b.start()
		defer b.end()
		b.call("c1", "router cycle 10s")
		time.Sleep(time.Second)
		synctest.Wait()
		b.link.mu.Lock()
		defer b.link.mu.Unlock()
		r := b.link.results["c1"]
		for _, want := range []string{`"edges":[]`, `"target":"router"`, `"verb":"cycle"`, `"state":"expired"`} {
			if !strings.Contains(string(r.Data), want) {
				t.Errorf("answer %s lacks %s", r.Data, want)
			}
		}
	})
}

func TestSentenceSaysNothingTwice(t *testing.T) {
	for _, c := range []struct {
		ans  device.Answer
		want string
	}{
		{device.Answer{State: "expired", Target: "router", Verb: "on", Detail: "expired: the call had 1s to live"}, "router on: expired: the call had 1s to live"},
		{device.Answer{State: "refused", Target: "router", Verb: "on", Detail: "busy: pulse of call c1"}, "router on: refused: busy: pulse of call c1"},
		{device.Answer{State: "done", Target: "router", Verb: "on"}, "router on: done"},
		{device.Answer{State: "done", Target: "router", Verb: "on", Detail: "the load is on already"}, "router on: the load is on already"},
		{device.Answer{State: "refused", Detail: "empty command"}, "refused: empty command"},
	} {
		if got := sentence(c.ans); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestResultThatWasNotTakenIsSentAgainSoonWithJitter(t *testing.T) {
	gaps := map[time.Duration]bool{}
	for range 5 {
		bubble(t, func(b *bench) {
			b.link.refuse = map[string]int{"c1": 503}
			b.start()
			defer b.end()
			b.call("c1", "router off")
			began := time.Now()
			for b.link.count("refused c1") < 2 && time.Since(began) < time.Minute {
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
			gap := time.Since(began)
			if gap > firstRetry {
				t.Errorf("tried again after %s, want within %s", gap, firstRetry)
			}
			gaps[gap] = true
		})
	}
	if len(gaps) < 2 {
		t.Errorf("five boxes tried again in step: %v", gaps)
	}
}
