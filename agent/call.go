package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

const (
	// ackLimit is how long the first acknowledgement may take; without its
	// reply nothing moves (protocol.md 4).
	ackLimit = 10 * time.Second
	// maxInFlight bounds the calls that act at once; moves towards safe are
	// never held back by it.
	maxInFlight = 16
	// maxMessage and maxDetail keep a result far below push.MaxBody, escapes
	// included: one that is never taken would be owed for ever.
	maxMessage = 1 << 10
	maxDetail  = 24 << 10

	powerDetail    = "power: the supply has failed, nothing moved"
	safeModeDetail = "safe mode after a crash loop: only moves towards safe; it ends after 10 min up or by longarm-agent resume"
)

// accept takes one call from the poll. It returns at once; the call runs in
// its own goroutine, so that the next poll follows.
func (a *Agent) accept(ctx context.Context, c push.Call) {
	received := time.Now()
	work := context.WithoutCancel(ctx)
	a.o.Watchdog.Rest("poll") // a full table is the service's doing, or that of hardware with its own guard
	if !a.calls.start(ctx, func() { a.serve(work, c, received) }) {
		a.log.Warn("stopping, call left to the service", "call", c.MessageID)
	}
}

// serve journals, acknowledges, acts and answers: nothing moves before the
// acknowledgement's reply, and every id gets an answer.
func (a *Agent) serve(ctx context.Context, c push.Call, received time.Time) {
	log := a.log.With("call", c.MessageID)
	if !a.calls.claim(c.MessageID) {
		log.Info("duplicate of a running call, acknowledged only")
		a.ackAnyway(ctx, c)
		return
	}
	defer a.calls.release(c.MessageID)

	prior, dup, err := a.o.Journal.Received(journal.Received{ID: c.MessageID, Container: c.ContainerID, Data: c.Data})
	switch {
	case errors.Is(err, journal.ErrReused):
		log.Warn("id used again for another call, nothing moved")
		a.ackAnyway(ctx, c)
		a.answerUnstored(ctx, c, named(refused("id reused: this message id belonged to another call; send a new id"), c.Data))
		return
	case err != nil:
		log.Error("call not journaled", "err", err) // Begin decides what may still move
	case dup:
		log.Info("duplicate of a finished call, answered from the journal")
		a.ackAnyway(ctx, c)
		a.outbox.add(storedResult(prior))
		return
	}
	log.Info("call received", "data", printable(c.Data))
	a.finish(c, named(a.act(ctx, c, received), c.Data))
}

// act acknowledges and, if the service agrees, does what the call says.
func (a *Agent) act(ctx context.Context, c push.Call, received time.Time) device.Answer {
	if a.power.latched() {
		a.ackAnyway(ctx, c)
		return failed(powerDetail)
	}
	reply, err := a.ackOnce(ctx, c)
	if err != nil {
		return failed(fmt.Sprintf("the service did not answer the acknowledgement, nothing moved: %v", err))
	}
	if !reply.Success {
		return device.Answer{State: "expired", Proof: "sent", Load: "unknown",
			Detail: "the service withdrew the call, nothing moved: " + reply.Message}
	}
	if a.power.latched() {
		return failed(powerDetail)
	}
	stop := a.keepAcking(ctx, c)
	defer stop()
	cmd, err := device.ParseCommand(c.Data)
	if err != nil {
		return refused(err.Error())
	}
	if cmd.Target == selfTarget {
		return a.self(c, received, cmd)
	}
	return a.o.Box.Do(ctx, cmd, device.Meta{
		Call:  c.MessageID,
		Begin: func(_ context.Context, act device.Action) error { return a.begin(c.MessageID, act) },
		Fresh: func() error { return fresh(c, received) },
	})
}

// begin is the last word before the first edge: what was asked for is on disk.
func (a *Agent) begin(id string, act device.Action) error {
	err := a.o.Journal.Started(id, journal.Begun{
		Target: act.Target, Verb: act.Verb, Kind: act.Kind,
		BootID: a.o.BootID, Deadline: a.boot() + act.Width,
	})
	degraded := a.o.Journal.Degraded() // after Started: another call may have broken it
	switch {
	case act.TowardsSafe:
		return nil
	case a.power.latched():
		return errors.New(powerDetail)
	case a.safeMode.Load():
		return errors.New(safeModeDetail)
	case a.calls.acting() > maxInFlight:
		return fmt.Errorf("busy: %d calls are in flight, send this one again later", maxInFlight)
	case degraded != nil && act.Kind != "steady":
		return fmt.Errorf("the journal can't be written, so only plain on and off are served: %w", degraded)
	case degraded != nil:
		return nil
	case err != nil:
		return fmt.Errorf("the journal can't be written, so nothing moved: %w", err)
	}
	return nil
}

func (a *Agent) boot() time.Duration {
	if a.o.Boot == nil {
		return 0
	}
	return a.o.Boot()
}

// fresh counts the call's life down on the monotonic clock (protocol.md 5).
func fresh(c push.Call, received time.Time) error {
	if age := time.Since(received); c.TTL > 0 && age >= c.TTL {
		return fmt.Errorf("expired: the call had %s to live and was due %s ago", c.TTL.Round(time.Millisecond), (age - c.TTL).Round(time.Millisecond))
	}
	return nil
}

// finish stores the answer, then hands it to the outbox.
func (a *Agent) finish(c push.Call, ans device.Answer) {
	body := result(ans).Append(nil)
	if err := a.o.Journal.Finished(c.MessageID, body); err != nil {
		a.log.Error("result not journaled, kept in memory", "call", c.MessageID, "err", err)
	}
	a.log.Info("call done", "call", c.MessageID, "state", ans.State, "detail", ans.Detail, "took_ms", ans.TookMS)
	a.outbox.add(pending{container: c.ContainerID, id: c.MessageID, body: body})
}

// answerUnstored answers without touching the journal: the id's stored result
// belongs to another call.
func (a *Agent) answerUnstored(ctx context.Context, c push.Call, ans device.Answer) {
	ctx, cancel := context.WithTimeout(ctx, ackLimit)
	defer cancel()
	if _, err := a.o.Link.Result(ctx, c.ContainerID, c.MessageID, result(ans)); err != nil {
		a.log.Warn("answer not delivered", "call", c.MessageID, "err", err)
	}
}

func (a *Agent) ackOnce(ctx context.Context, c push.Call) (push.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, ackLimit)
	defer cancel()
	return a.o.Link.Ack(ctx, c.ContainerID, c.MessageID)
}

// ackAnyway acknowledges where nothing hangs on the reply: the result tells,
// and a lost renewal only marks the call unanswered.
func (a *Agent) ackAnyway(ctx context.Context, c push.Call) {
	if _, err := a.ackOnce(ctx, c); err != nil && ctx.Err() == nil {
		a.log.Debug("acknowledgement lost", "call", c.MessageID, "err", err)
	}
}

// keepAcking renews the lease every 15 s until stop is called. Losing the
// network or the lease never stops a started action.
func (a *Agent) keepAcking(ctx context.Context, c push.Call) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(push.AckInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				a.ackAnyway(ctx, c)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// result puts an answer into the words of the wire.
func result(ans device.Answer) push.Result {
	ans.Detail = shortened(ans.Detail, maxDetail)
	if ans.Edges == nil {
		ans.Edges = []device.Edge{}
	}
	return push.Result{Success: ans.State == "done", Message: shortened(sentence(ans), maxMessage), Data: ans.Append(nil)}
}
