package device

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// stopLimit bounds the settling at a stop. Less than the agent's five seconds
// for everything, so that a hanging board does not cost the sign-off.
const stopLimit = 3 * time.Second

// engine runs the owners while at least one user wants them: Run, or a Settle,
// Safe or PowerFail before it.
type engine struct {
	mu    sync.Mutex
	users int
	quit  chan struct{}
	wg    *sync.WaitGroup
}

func (b *Box) start() {
	e := &b.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users++
	if e.users > 1 {
		return
	}
	e.quit, e.wg = make(chan struct{}), new(sync.WaitGroup)
	quit := e.quit
	for _, o := range b.outputs {
		e.wg.Go(func() { o.loop(quit) })
	}
	e.wg.Go(func() { b.clerk.loop(quit) })
	e.wg.Go(func() { b.untils.loop(quit) })
}

// grab takes a loop's baton. False: a loop of a later user has it, and quit
// says that this one is not needed any more.
func grab(baton chan<- struct{}, quit <-chan struct{}) bool {
	select {
	case baton <- struct{}{}: // also after quit: something may be left to do
		return true
	default:
	}
	select {
	case baton <- struct{}{}:
		return true
	case <-quit:
		return false
	}
}

// stop waits for the owners, if it was the last user, but not longer than ctx:
// the hardware of an owner may hang.
func (b *Box) stop(ctx context.Context) error {
	e := &b.engine
	e.mu.Lock()
	e.users--
	quit, wg, last := e.quit, e.wg, e.users == 0
	e.mu.Unlock()
	if !last {
		return nil
	}
	close(quit)
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }() // ends with the last owner
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Run serves commands until ctx ends. Then it settles: pulses go inactive,
// leases to safe, cycles to load on; running callers are answered `failed`,
// "ended by stop". It returns when that is done, at most 3 s later; the error
// names the outputs that did not reach their level. Call it once.
func (b *Box) Run(ctx context.Context) error {
	b.start()
	endPorts, waitPorts := b.runPorts(context.WithoutCancel(ctx))
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	b.grips.endAll("ended by stop")
	endPorts()
	for _, in := range b.inputs {
		in.endWaits(Failed, "ended by stop")
	}
	err := b.each(last, func(o *output, reached func(error)) {
		o.stopping = true
		o.settle("stop", "ended by stop", reached)
	})
	waitPorts(last)
	close(b.closed)
	if late := b.stop(last); late != nil {
		err = errors.Join(err, fmt.Errorf("stop: hardware still at work after %s", stopLimit))
	}
	return err
}

// each asks every usable owner, in parallel, and collects what they reached.
// An owner that did not answer before ctx ended is an error.
func (b *Box) each(ctx context.Context, f func(o *output, reached func(error))) error {
	errs := make([]error, len(b.outputs))
	var wg sync.WaitGroup
	for i, o := range b.outputs {
		if o.gate.line == nil {
			continue
		}
		wg.Go(func() {
			got := make(chan error, 1)
			err := context.DeadlineExceeded
			if o.tell(ctx, func() { f(o, func(err error) { got <- err }) }) {
				select {
				case err = <-got:
				case <-ctx.Done():
				}
			}
			if err != nil {
				errs[i] = fmt.Errorf("output %s: %w", o.spec.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Settle ends what a crash left unfinished: a pulse goes inactive, a lease to
// safe, a cycle to load on. What another boot left is over: there at_start on
// or off rules, and a cycle is not resumed. It returns after the first try of
// each, or when ctx ends; what failed is tried again while Run runs. Call it
// after Open, before Run; it may also be called beside Run.
func (b *Box) Settle(ctx context.Context, left []Unfinished) {
	b.start()
	err := b.each(ctx, func(o *output, reached func(error)) {
		level, why, ok := o.unfinished(left)
		if !ok {
			reached(nil)
			return
		}
		o.force(level, why, "ended by "+why, nil, reached)
	})
	err = errors.Join(err, b.stop(ctx))
	if err != nil {
		b.o.Log.Warn("settling not done yet", "err", err)
	}
}

// unfinished finds the level that settles what is left of this output. A lease
// outweighs what was done under it.
func (o *output) unfinished(left []Unfinished) (level bool, why string, ok bool) {
	for _, u := range left {
		kept := o.spec.AtStart == "" || o.spec.AtStart == "keep"
		switch {
		case u.Target != o.spec.Name || !u.SameBoot && !kept:
			continue
		case u.Kind == KindLease:
			return o.spec.SafeActive(), "settle call " + u.Call, true
		case u.Kind == KindPulse:
			level, ok = false, true
		case u.Kind == KindCycle && u.SameBoot:
			level, ok = o.spec.ActiveFor(LoadOn), true
		default:
			continue
		}
		why = "settle call " + u.Call
	}
	return level, why, ok
}

// Safe drives every output to its safe level, in parallel, whatever runs. It
// returns when all were tried once, or when ctx ends; the error names those
// that are not there, also those that could not be opened.
func (b *Box) Safe(ctx context.Context) error {
	b.start()
	b.grips.endAll("ended by safe")
	err := b.each(ctx, func(o *output, reached func(error)) {
		o.force(o.spec.SafeActive(), "safe", "ended by safe", nil, reached)
	})
	errs := []error{err, b.stop(ctx)}
	for _, o := range b.outputs {
		if o.gate.line == nil {
			errs = append(errs, fmt.Errorf("output %s: %w", o.spec.Name, o.fault))
		}
	}
	return errors.Join(errs...)
}
