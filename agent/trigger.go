package agent

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// Bounds of one trigger, whatever its input does (design.md section 3).
const (
	triggerSpacing = time.Second // between two of its calls
	triggerHourly  = 60          // calls in any hour
)

// triggerPrefix begins the ids of calls that the box makes by itself. They have
// no container: nobody waits for their result, the state report tells it.
const triggerPrefix = "trigger-"

func isTrigger(id string) bool { return strings.HasPrefix(id, triggerPrefix) }

// trigger is one rule by which the box makes a call. Its own goroutine makes
// the calls, one after the other.
type trigger struct {
	spec  device.TriggerSpec
	agent *Agent
	edges chan struct{} // an edge counts only while the goroutine waits for one

	starts  []time.Time // of the last hour
	ignored atomic.Int64
}

func newTriggers(a *Agent) (all []*trigger) {
	for _, s := range a.o.Triggers {
		all = append(all, &trigger{spec: s, agent: a, edges: make(chan struct{})})
	}
	return all
}

// label says what starts it.
func (t *trigger) label() string {
	if t.spec.Input != "" {
		return "input " + t.spec.Input + " " + string(t.edge())
	}
	return "offline " + short(t.spec.Offline)
}

// short is a duration without the zeros that Duration.String adds.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (t *trigger) edge() device.Load {
	if t.spec.Edge == device.LoadOff {
		return device.LoadOff
	}
	return device.LoadOn
}

// inputEdge is told each change of an input; it never blocks. An edge that
// comes while the trigger's last call runs starts nothing.
func (a *Agent) inputEdge(input string, active bool) {
	for _, t := range a.triggers {
		if t.spec.Input != input || active != (t.edge() == device.LoadOn) {
			continue
		}
		select {
		case t.edges <- struct{}{}:
		default:
			t.ignored.Add(1)
		}
	}
}

// run serves the trigger until ctx ends.
func (t *trigger) run(ctx context.Context) {
	if t.spec.Input == "" {
		t.watchService(ctx)
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.edges:
			t.onEdge(ctx)
		}
	}
}

func (t *trigger) onEdge(ctx context.Context) {
	switch {
	case t.agent.power.latched():
		t.ignored.Add(1)
	case !t.mayStart():
		if t.ignored.Add(1) == 1 {
			t.agent.log.Warn("trigger starts too often, edges are ignored", "trigger", t.label())
		}
	default:
		t.fire(ctx, nil)
	}
}

// mayStart holds the trigger's own rate, and counts the start.
func (t *trigger) mayStart() bool {
	now := time.Now()
	for len(t.starts) > 0 && now.Sub(t.starts[0]) >= time.Hour {
		t.starts = t.starts[1:]
	}
	n := len(t.starts)
	if n >= triggerHourly || n > 0 && now.Sub(t.starts[n-1]) < triggerSpacing {
		return false
	}
	t.starts = append(t.starts, now)
	return true
}

// fire makes the call and waits for its end, by the path of a remote call: in
// the journal, with all limits, answered. fresh is asked right before it moves.
func (t *trigger) fire(ctx context.Context, fresh func() error) (ans device.Answer) {
	a := t.agent
	id := triggerPrefix + push.NewID()
	a.log.Info("trigger calls", "trigger", t.label(), "call", id, "data", t.spec.Call.String(), "to", cmp.Or(t.spec.To, "self"), "ignored_before", t.ignored.Swap(0))
	at, over := time.Now(), false
	if t.spec.Remote() {
		ans, over = a.serveRemote(ctx, id, t.spec)
	} else {
		ans, over = t.callSelf(ctx, id, fresh)
	}
	if !over {
		return ans
	}
	a.tell(event{id: id, at: at, Event: push.Event{Trigger: t.label(), Call: t.spec.Call.String(), State: ans.State, Detail: shortened(ans.Detail, maxMessage)}})
	return ans
}

// callSelf waits for the end of a call to this box; false: it was not started.
func (t *trigger) callSelf(ctx context.Context, id string, fresh func() error) (ans device.Answer, over bool) {
	done := make(chan struct{})
	started := t.agent.calls.start(ctx, func() {
		defer close(done)
		ans = t.agent.serveSelf(context.WithoutCancel(ctx), id, t.spec.Call, fresh)
	})
	if !started {
		return failed("not started: stopping"), false
	}
	<-done
	return ans, true
}

// serveSelf is serve for a call that nobody sent.
func (a *Agent) serveSelf(ctx context.Context, id string, cmd device.Command, fresh func() error) device.Answer {
	a.calls.claim(id)
	defer a.calls.release(id)
	if _, _, err := a.o.Journal.Received(journal.Received{ID: id, Data: cmd.String()}); err != nil {
		a.log.Error("call not journaled", "call", id, "err", err) // Begin decides what may still move
	}
	ans := a.o.Box.Do(ctx, cmd, device.Meta{
		Call:  id,
		Begin: func(_ context.Context, act device.Action) error { return a.begin(id, act) },
		Fresh: fresh,
	})
	return a.finishOwn(id, ans)
}

// finishOwn is finish for a call that the box made by itself.
func (a *Agent) finishOwn(id string, ans device.Answer) device.Answer {
	if err := a.o.Journal.Finished(id, result(ans).Append(nil)); err != nil {
		a.log.Error("result not journaled, kept in memory", "call", id, "err", err)
	}
	a.log.Info("call done", "call", id, "state", ans.State, "detail", ans.Detail, "took_ms", ans.TookMS)
	return ans
}

// stillAway is the last question before an offline trigger's call moves.
func (a *Agent) stillAway() error {
	if a.online() {
		return fmt.Errorf("expired: the service is back")
	}
	return nil
}
