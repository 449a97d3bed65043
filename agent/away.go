package agent

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"longarm/device"
)

// awayGrace is how long this run must have missed the service before it goes on
// with the tries of the last one: it may be there, and not yet asked.
const awayGrace = time.Minute

// away is how far an offline trigger is in one absence of the service. It is
// kept in the journal, so that a restart does not begin the tries anew.
type away struct {
	tries int           // calls since the last pause
	next  time.Duration // of the next call, CLOCK_BOOTTIME; 0: at the spec's Offline
	over  bool          // no more until the service was back
}

// watchService calls when the service has been away for Offline: Tries times, Offline
// apart, then again after Then, until it is back.
func (t *trigger) watchService(ctx context.Context) {
	a := t.agent
	st := t.load()
	dark := time.Now() // until then the power was out: whoever else lost it starts too
	tick := time.NewTicker(min(offlineStep, max(t.spec.Offline/4, 100*time.Millisecond)))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch lost := a.lostAt.Load(); {
		case lost == nil && st != away{}:
			st = away{}
			a.notes.Set(t.fact(), "")
		case a.power.latched():
			dark = time.Now()
		case lost == nil || !t.due(st, min(time.Since(*lost), time.Since(dark))), !t.mayStart():
		default:
			st = t.try(ctx, st)
		}
	}
}

// due says that it is time for a call, gone being how long this run has missed
// the service.
func (t *trigger) due(st away, gone time.Duration) bool {
	switch {
	case st.over:
		return false
	case st.next == 0:
		return gone >= t.spec.Offline
	}
	return t.agent.boot() >= st.next && gone >= min(t.spec.Offline, awayGrace)
}

// try makes one call. What is about to be done is on disk before it: a call
// that ends this process, or the box, is not made without end. One that was
// refused moved nothing and does not count.
func (t *trigger) try(ctx context.Context, st away) away {
	next := t.after(st)
	t.keep(next)
	ans := t.fire(ctx, t.agent.stillAway)
	if ans.State != device.Refused && ans.State != device.Expired {
		return t.after(st) // counted from the end of the call
	}
	next = away{tries: st.tries, next: t.agent.boot() + t.spec.Offline}
	t.keep(next)
	return next
}

// after is the state after one more call now.
func (t *trigger) after(st away) away {
	st.tries++
	st.next = t.agent.boot() + t.spec.Offline
	if st.tries >= cmp.Or(t.spec.Tries, 1) {
		st = away{over: t.spec.Then == 0, next: t.agent.boot() + t.spec.Then}
	}
	return st
}

func (t *trigger) fact() string {
	return "away " + short(t.spec.Offline) + " " + t.spec.Call.String()
}

// keep waits for the disk: only this trigger waits with it.
func (t *trigger) keep(st away) {
	text := fmt.Sprintf("%s %d %d %t", t.agent.o.BootID, st.tries, st.next.Milliseconds(), st.over)
	if err := t.agent.o.Journal.Set(t.fact(), text); err != nil {
		t.agent.log.Warn("tries of a trigger not kept", "trigger", t.label(), "err", err)
	}
}

// load is what an earlier run of the same boot kept of the absence that may
// still go on.
func (t *trigger) load() (st away) {
	text, _ := t.agent.o.Journal.Get(t.fact())
	words := strings.Fields(text)
	if len(words) != 4 || words[0] != t.agent.o.BootID {
		return away{}
	}
	tries, err := strconv.Atoi(words[1])
	next, err2 := strconv.ParseInt(words[2], 10, 64)
	if err != nil || err2 != nil || tries < 0 || next <= 0 {
		return away{}
	}
	return away{tries: tries, next: time.Duration(next) * time.Millisecond, over: words[3] == "true"}
}
