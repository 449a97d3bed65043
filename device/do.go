package device

import (
	"context"
	"time"
)

// journalLimit is how long a move towards safe waits for the journal: a disk
// that hangs must not hold it up.
const journalLimit = time.Second

// do is Do for an output, in the caller's goroutine: reserve, journal, start,
// wait for the answer.
func (o *output) do(ctx context.Context, c Command, m Meta) Answer {
	action, err := o.spec.action(c)
	a := newAct(action, m)
	switch {
	case err != nil:
		return o.outside(a, Refused, err.Error())
	case ctx.Err() != nil:
		return o.notStarted(ctx, a)
	case a.Kind == "":
		return o.read(ctx, a)
	}
	if !a.TowardsSafe {
		o.box.askLockout()
	}
	if !o.tell(ctx, func() { o.reserve(a) }) {
		return o.notStarted(ctx, a)
	}
	select {
	case <-a.reserved:
	case ans := <-a.answer:
		o.box.clerk.wait(o.spec.Name, o.box.closed) // a plain on may have ended a lease
		return ans
	case <-o.box.closed:
		return o.afterClose(a)
	}
	late, err := o.journal(ctx, a)
	if late != nil {
		defer func() { <-late }()
	}
	always := context.WithoutCancel(ctx)
	if o.tell(always, func() { o.start(a, err) }) {
		select {
		case ans := <-a.answer:
			if !a.TowardsSafe {
				o.box.clerk.wait(o.spec.Name, o.box.closed) // a lease that came to nothing
			}
			return ans
		case <-o.box.closed:
		}
	}
	return o.afterClose(a)
}

// journal writes down what is about to move. A move towards safe does not wait
// longer than journalLimit: late is then closed when the journal is done.
func (o *output) journal(ctx context.Context, a *act) (late chan struct{}, err error) {
	if !a.TowardsSafe {
		return nil, o.write(ctx, a)
	}
	written := make(chan struct{})
	go func() { // do waits for it
		defer close(written)
		if err := o.write(ctx, a); err != nil {
			o.box.o.Log.Warn("move towards safe not journaled", "output", o.spec.Name, "call", a.meta.Call, "err", err)
		}
	}()
	timer := time.NewTimer(journalLimit)
	defer timer.Stop()
	select {
	case <-written:
		return nil, nil
	case <-timer.C:
		return written, nil
	}
}

// write journals the action, then its lease.
func (o *output) write(ctx context.Context, a *act) error {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if a.Kind == KindLease {
		o.box.clerk.note(o.spec.Name, a.meta.Call)
		o.box.clerk.wait(o.spec.Name, o.box.closed)
	}
	return nil
}

// read answers where the line is.
func (o *output) read(ctx context.Context, a *act) Answer {
	if !o.tell(ctx, func() { o.readNow(a) }) {
		return o.notStarted(ctx, a)
	}
	select {
	case ans := <-a.answer:
		return ans
	case <-o.box.closed:
		return o.afterClose(a)
	}
}

// readNow is the owner's part of read.
func (o *output) readNow(a *act) {
	switch {
	case o.fault != nil:
		o.finish(a, Refused, "not usable: "+o.fault.Error())
		return
	case o.whyBusy() != "":
		o.finish(a, Refused, o.whyBusy())
		return
	}
	a.running, a.start = true, time.Now()
	o.push(&order{op: opRead, then: func(ord *order) {
		a.proofs = []string{ord.proof}
		switch {
		case ord.err != nil:
			o.failed(a, "the line could not be read", ord.err)
		case !ord.known:
			a.proofs = nil
			o.finish(a, Unknown, "this line cannot be read and was not yet told where to be")
		default:
			o.compare(a)
		}
	}})
}

// outside answers without the owner, from what it shows.
func (o *output) outside(a *act, state, detail string) Answer {
	s := o.shown.get()
	return Answer{State: state, Proof: s.Proof, Target: a.Target, Verb: a.Verb, Active: s.Active, Load: s.Load, Edges: []Edge{}, Detail: detail}
}

// notStarted is the answer when ctx or the box ended before anything was asked.
func (o *output) notStarted(ctx context.Context, a *act) Answer {
	select {
	case <-o.box.closed:
		return o.outside(a, Refused, "stopping: nothing moves any more")
	default:
		return o.outside(a, Failed, "not started: "+context.Cause(ctx).Error())
	}
}

// afterClose is the answer when the box closed while this call waited. Normally
// the stop has answered it; else its hardware hangs.
func (o *output) afterClose(a *act) Answer {
	select {
	case ans := <-a.answer:
		return ans
	default:
	}
	if a.started.Load() {
		return o.outside(a, Unknown, "ended by stop while the hardware was at work")
	}
	return o.outside(a, Failed, "ended by stop, not started")
}
