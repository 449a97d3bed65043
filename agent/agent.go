package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"longarm/agent/journal"
	"longarm/device"
)

// stopBudget bounds the orderly stop: settle, report, sign off. Less than
// TimeoutStopSec in longarm-agent.service.
const stopBudget = 5 * time.Second

// Options are what the agent is joined from; cmd/longarm-agent fills them.
// Log, Link, Box and Journal are required.
type Options struct {
	Log     *slog.Logger
	Link    Link
	Box     *device.Box
	Journal *journal.Journal

	Version  string
	Instance string // x-longarm-instance
	Service  string // host of the service, for the status line
	Faults   []string
	Last     LastRun   // how the last run ended
	Started  time.Time // wall clock at start; zero when the clock is not set

	Power *device.PowerFailSpec         // nil: no power-fail line
	Lost  func() (lost bool, err error) // level of the power-fail line

	Boot         func() time.Duration      // CLOCK_BOOTTIME
	BootID       string                    // identifies this boot of the kernel
	Status       func(text string)         // systemd STATUS; nil: nowhere
	Ready        func()                    // READY, once the hardware is adopted and settled
	Stopping     func()                    // STOPPING
	Feed         func()                    // WATCHDOG=1; nil: no watchdog
	FeedInterval time.Duration             // 0: 10 s
	Watchdog     *Watchdog                 // shared with device.Options.Guard
	StopReason   func() string             // /run/longarm/reason, else ""
	Request      func(action string) error // "reboot" or "poweroff"; nil: refused
}

// Agent runs one box. Make it with [New], run it once with [Agent.Run].
type Agent struct {
	o   Options
	log *slog.Logger

	polls    atomic.Uint64 // number of the newest poll
	outbox   *outbox
	calls    *callTable
	power    *powerFail
	polled   chan struct{} // cap 1: a poll was answered, the service is there
	signedOn chan struct{} // cap 1: a state report is due
	online   atomic.Bool
	cancel   atomic.Pointer[context.CancelCauseFunc] // ends the poll that is held now
	faults   faultList
}

// New joins the parts; it starts nothing.
func New(o Options) *Agent {
	if o.Watchdog == nil {
		o.Watchdog = NewWatchdog()
	}
	a := &Agent{o: o, log: o.Log, polled: make(chan struct{}, 1), signedOn: make(chan struct{}, 1)}
	a.outbox = newOutbox(o.Link, o.Journal, o.Log)
	a.calls = newCallTable()
	a.power = newPowerFail(a)
	a.faults.set("config", o.Faults...)
	return a
}

// Run settles what the last run left, then serves calls until ctx ends, and
// stops in order: settle, report, sign off last, within 5 s. It returns nil
// after an orderly stop; the cause of ctx gives the sign-off's reason.
func (a *Agent) Run(ctx context.Context) error {
	epoch, err := a.nextEpoch()
	if err != nil {
		a.log.Warn("poll numbers start from the clock", "err", err)
	}
	a.polls.Store(epoch)
	Recover(ctx, a.o.Box, a.o.Journal, a.o.Last, a.o.BootID, a.log)
	for _, e := range a.o.Journal.Unreported() {
		a.outbox.add(storedResult(e))
	}

	base := context.WithoutCancel(ctx)
	boxCtx, stopBox := context.WithCancel(base)
	serveCtx, stopServe := context.WithCancel(base)
	defer stopServe()
	defer stopBox()

	var box, loops sync.WaitGroup
	box.Go(func() { _ = a.o.Box.Run(boxCtx) }) // its error is each caller's answer
	loops.Go(func() { a.outbox.run(serveCtx) })
	loops.Go(func() { a.stateLoop(serveCtx) })
	loops.Go(func() { a.power.run(serveCtx) })
	if a.o.Feed != nil {
		loops.Go(func() { a.o.Watchdog.Run(serveCtx, a.o.FeedInterval, a.log, a.o.Feed, a.starved) })
	}
	a.ready()
	a.pollLoop(ctx)

	reason := a.stopReason(ctx)
	a.log.Info("stopping", "reason", reason)
	if a.o.Stopping != nil {
		a.o.Stopping()
	}
	last, done := context.WithTimeout(base, stopBudget)
	defer done()
	stopBox()
	waitFor(last, &box)
	err = errors.Join(a.calls.wait(last), a.outbox.flush(last))
	a.lastState(last)
	err = errors.Join(err, a.signOff(last, reason))
	stopServe()
	waitFor(last, &loops)
	if err != nil {
		a.log.Warn("stopped without all last words", "err", err)
	}
	a.markStopped(reason)
	return nil
}

// ready tells init that the hardware is adopted and settled.
func (a *Agent) ready() {
	if a.o.Ready != nil {
		a.o.Ready()
	}
	a.log.Info("ready", "version", a.o.Version, "targets", len(a.o.Box.Targets()), "last_run", a.o.Last.Cause)
}

// signOff says goodbye with the highest poll number, so that no late poll of
// this run signs on again.
func (a *Agent) signOff(ctx context.Context, reason string) error {
	return a.o.Link.SignOff(ctx, reason, a.polls.Load())
}

func (a *Agent) stopReason(ctx context.Context) string {
	if a.power.latched() {
		return reasonPowerFail // what the service knows already stays true
	}
	if a.o.StopReason != nil {
		if r := a.o.StopReason(); r != "" {
			return r
		}
	}
	if r, ok := errors.AsType[Reason](context.Cause(ctx)); ok {
		return string(r)
	}
	return "shutdown"
}

// Reason is a cause for [context.CancelCauseFunc] that names the sign-off's
// reason: "update", "poweroff", …
type Reason string

func (r Reason) Error() string { return string(r) }

// waitFor waits for a group, but not longer than ctx.
func waitFor(ctx context.Context, g *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
