package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// kindRemote is what the journal says was begun by a call to another
// container: its target is that container, its deadline the end of its life.
const kindRemote = "remote"

const (
	remoteLife  = push.DefaultTTL  // of a call to another container
	remotePause = 10 * time.Second // most between two tries
)

// remote is one call to another container, until the service has it.
type remote struct {
	id, to, data string
	until        time.Time // end of its life
}

// serveRemote is serveSelf for a call to another container: what the service
// will be asked for is on disk before it is asked. over is false when ctx ended
// first; the next start goes on with it.
func (a *Agent) serveRemote(ctx context.Context, id string, s device.TriggerSpec) (ans device.Answer, over bool) {
	r := remote{id: id, to: s.To, data: s.Call.String(), until: time.Now().Add(remoteLife)}
	if _, _, err := a.o.Journal.Received(journal.Received{ID: id, Data: r.data}); err != nil {
		a.log.Error("call not journaled", "call", id, "err", err) // begin refuses
	}
	if err := a.begin(id, device.Action{Target: s.To, Verb: s.Call.Verb, Kind: kindRemote, Width: remoteLife}); err != nil {
		return a.finishOwn(id, named(refused(err.Error()), r.data)), true
	}
	return a.ask(ctx, r)
}

// ask asks the service for the call until there is an answer or its life is
// over, always with the same id and what is left of that life: a reply that was
// lost makes no second call, and none comes late.
func (a *Agent) ask(ctx context.Context, r remote) (ans device.Answer, over bool) {
	var trouble error
	for pause := firstRetry; ; pause = min(2*pause, remotePause) {
		left := time.Until(r.until)
		if left < push.MinTTL {
			return a.answered(r, device.Expired, noAnswer(trouble)), true
		}
		wait := rand.N(pause)
		if !a.power.latched() { // the connection is the sign-off's
			reply, err := a.askOnce(ctx, r, left)
			refusal, _ := errors.AsType[*push.Refusal](err)
			switch {
			case err == nil && reply.Success:
				return a.answered(r, device.Done, "the service took it as call "+reply.MessageID()), true
			case err == nil:
				return a.answered(r, device.Refused, reply.Message), true
			case ctx.Err() != nil:
				return ans, false
			case choked(err):
				return a.answered(r, device.Refused, refusal.Error()), true
			case refusal != nil:
				wait = max(wait, refusal.RetryAfter)
			}
			trouble = err
		}
		timer := time.NewTimer(min(wait, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ans, false
		case <-timer.C:
		}
	}
}

func (a *Agent) askOnce(ctx context.Context, r remote, left time.Duration) (push.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, min(ackLimit, left))
	defer cancel()
	defer a.o.Watchdog.Guard("remote", 2*ackLimit)()
	return a.o.Link.Call(ctx, "", r.to, r.id, r.data, left)
}

func noAnswer(trouble error) string {
	text := "no answer of the service within " + short(remoteLife) + "; if it took the call all the same, it lists it"
	if trouble != nil {
		text += ": " + trouble.Error()
	}
	return text
}

// answered closes the call in the journal. Done is no more than that the
// service has it: what becomes of it is told there.
func (a *Agent) answered(r remote, state, detail string) device.Answer {
	return a.finishOwn(r.id, named(device.Answer{State: state, Proof: "sent", Load: string(device.LoadUnknown),
		Detail: "to container " + r.to + ": " + detail}, r.data))
}

// isRemote tells whether an interrupted call went to another container.
func isRemote(e journal.Entry) bool { return len(e.Begun) > 0 && e.Begun[0].Kind == kindRemote }

// resumeRemote goes on with a call that an earlier run began, and tells its end.
func (a *Agent) resumeRemote(ctx context.Context, e journal.Entry) {
	b := e.Begun[0]
	var left time.Duration
	if b.BootID == a.o.BootID {
		left = min(b.Deadline-a.boot(), remoteLife)
	}
	ans, over := a.ask(ctx, remote{id: e.ID, to: b.Target, data: e.Data, until: time.Now().Add(left)})
	if !over {
		return
	}
	a.tell(event{id: e.ID, Event: push.Event{Trigger: beforeRestart, Call: e.Data, State: ans.State, Detail: shortened(ans.Detail, maxMessage)}})
}
