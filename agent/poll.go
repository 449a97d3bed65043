package agent

import (
	"context"
	"errors"
	"time"

	"longarm/push"
)

// heldAfter is when a poll without an answer is taken for held by the service,
// if the second connection is up as well: the answer may be 45 s away.
const heldAfter = 3 * time.Second

// errResume ends a held poll that a sign-off has made worthless.
var errResume = errors.New("signing on again")

// pollLoop holds one poll after the other until ctx ends. Each call runs in a
// goroutine of its own; the next poll follows at once.
func (a *Agent) pollLoop(ctx context.Context) {
	defer a.o.Watchdog.Rest("poll")
	var trouble troubleLog
	for ctx.Err() == nil {
		if !a.power.mayPoll(ctx) {
			continue
		}
		call, err := a.pollOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			a.reached(&trouble)
			a.o.Link.Pause(nil)
			a.accept(ctx, call)
			continue
		case errors.Is(err, push.ErrIdle):
			a.reached(&trouble)
		case errors.Is(err, errResume):
			continue
		default:
			a.unreached(&trouble, err)
		}
		if !a.pause(ctx, a.o.Link.Pause(err)) {
			return
		}
	}
}

// pollOnce holds the next poll and says by when it will be back.
func (a *Agent) pollOnce(ctx context.Context) (push.Call, error) {
	select {
	case <-a.wake: // this poll is what it asked for
	default:
	}
	n := a.polls.Add(1)
	a.o.Watchdog.Beat("poll", push.PollLimit+15*time.Second)
	held, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.cancel.Store(&cancel)
	a.o.Link.ArmSignOff(reasonPowerFail, n)
	timer := time.AfterFunc(heldAfter, func() { a.held.Store(true); kick(a.polled) })
	defer func() { timer.Stop(); a.held.Store(false) }()
	call, err := a.o.Link.Poll(held, n)
	if err != nil && errors.Is(context.Cause(held), errResume) {
		return call, errResume
	}
	return call, err
}

// resume ends the poll that is held now, or the pause before the next one, so
// that a poll with a higher number signs on again.
func (a *Agent) resume() {
	kick(a.wake)
	if cancel := a.cancel.Load(); cancel != nil {
		(*cancel)(errResume)
	}
}

func (a *Agent) reached(t *troubleLog) {
	if t.over() {
		a.log.Info("service reached again", "failures", t.count, "after", t.lasted().Round(time.Second))
	}
	t.reset()
	if a.lostAt.Swap(nil) != nil {
		a.changed()
	}
	kick(a.outbox.kick)
	kick(a.polled)
}

func (a *Agent) unreached(t *troubleLog, err error) {
	refusal, answered := errors.AsType[*push.Refusal](err)
	switch {
	case answered && configFault(refusal.Status):
		if t.first("refused") {
			a.log.Error("the service refuses this container: check container and key in the config", "status", refusal.Status, "err", err)
		}
	case t.first(troubleKind(answered)):
		a.log.Warn("service not reached, trying again with growing pauses", "err", err)
	}
	a.lostAt.CompareAndSwap(nil, new(time.Now()))
	a.statusTrouble(err)
}

func troubleKind(answered bool) string {
	if answered {
		return "answered"
	}
	return "network"
}

func configFault(status int) bool { return status == 401 || status == 403 || status == 404 }

// pause waits before the next poll; it reports false when ctx has ended.
func (a *Agent) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	a.o.Watchdog.Beat("poll", d+5*time.Second)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-a.wake:
		return true
	case <-timer.C:
		return true
	}
}
