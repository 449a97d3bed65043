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

// The orderly stop, settle, report, sign off, is bounded as a whole and in its
// parts.
const (
	stopBudget   = 5 * time.Second         // less than TimeoutStopSec in longarm-agent.service
	signOffShare = 1300 * time.Millisecond // the sign-off's own
	notesShare   = 300 * time.Millisecond  // of what is left to note at the very end
	closeShare   = 300 * time.Millisecond  // of whoever closes journal and boards after us
)

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
	SafeMode bool      // a crash loop: move only towards safe
	Started  time.Time // wall clock at start; zero when the clock is not set

	Triggers []device.TriggerSpec // calls that the box makes by itself
	ClockSet func() bool          // the wall clock is right now; nil: as at Started

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
	Notes        *Notes                    // shared with who else keeps facts; nil: the agent's own
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
	polled   chan struct{}                           // cap 1: a poll was answered, the service is there
	wake     chan struct{}                           // cap 1: poll now
	signedOn chan struct{}                           // cap 1: a state report is due
	lostAt   atomic.Pointer[time.Time]               // since when the service is away; nil: it is there
	held     atomic.Bool                             // the poll has had no answer for heldAfter
	cancel   atomic.Pointer[context.CancelCauseFunc] // ends the poll that is held now
	faults   faultList
	events   eventList
	triggers []*trigger
	notes    *Notes
	safeMode atomic.Bool
	open     Unsettled              // stateLoop's own after settleLast
	asked    atomic.Pointer[string] // what was asked of init: the reason of the stop that follows
}

// New joins the parts; it starts nothing.
func New(o Options) *Agent {
	if o.Watchdog == nil {
		o.Watchdog = NewWatchdog()
	}
	a := &Agent{o: o, log: o.Log, polled: make(chan struct{}, 1), wake: make(chan struct{}, 1), signedOn: make(chan struct{}, 1)}
	a.outbox = newOutbox(o.Link, o.Journal, o.Log, o.Watchdog)
	a.calls = newCallTable()
	a.lostAt.Store(new(time.Now()))
	a.power = newPowerFail(a)
	a.triggers = newTriggers(a)
	a.faults.set("config", o.Faults...)
	if a.notes = o.Notes; a.notes == nil {
		a.notes = NewNotes(o.Journal, o.Log)
	}
	if o.SafeMode {
		a.safeMode.Store(true)
		a.faults.set("safe-mode", safeModeDetail)
	}
	return a
}

// Run settles what the last run left, then serves calls until ctx ends, and
// stops in order: settle, report, sign off last, within 5 s. It returns nil
// after an orderly stop; the cause of ctx gives the sign-off's reason.
func (a *Agent) Run(ctx context.Context) error {
	epoch, err := a.nextEpoch()
	if err != nil {
		a.log.Warn("this start is not counted for the next one", "err", err)
	}
	a.polls.Store(epoch)
	a.settleLast(ctx)

	base := context.WithoutCancel(ctx)
	boxCtx, stopBox := context.WithCancel(base)
	serveCtx, stopServe := context.WithCancel(base)
	defer stopServe()
	defer stopBox()

	var box, loops sync.WaitGroup
	box.Go(func() { _ = a.o.Box.Run(boxCtx) }) // its error is each caller's answer
	a.startLoops(serveCtx, &loops)
	a.startTriggers(ctx, &loops)
	a.ready()
	a.pollLoop(ctx)

	reason := a.stopReason(ctx)
	a.log.Info("stopping", "reason", reason)
	if a.o.Stopping != nil {
		a.o.Stopping()
	}
	stopBox()
	a.lastWords(base, reason, &box)
	a.notes.Set(factRunning, stoppedText(a.o.BootID, reason))
	stopServe()
	last, done := context.WithTimeout(base, notesShare)
	defer done()
	waitFor(last, &loops)
	return nil
}

// settleLast settles what the last run left and owes its answers.
func (a *Agent) settleLast(ctx context.Context) {
	a.open = Recover(ctx, a.o.Box, a.o.Journal, a.o.Last, a.o.BootID, a.log)
	for _, e := range a.open.calls { // not finished in the journal, so that the next start settles too
		if e.Container != "" {
			a.outbox.add(pending{container: e.Container, id: e.ID, body: result(afterCrash(e, a.o.BootID)).Append(nil)})
		}
	}
	for _, e := range a.o.Journal.Unreported() {
		if e.Container == "" {
			a.owned(e)
			continue
		}
		a.outbox.add(storedResult(e))
	}
}

// startLoops starts what runs beside the poll loop until ctx ends.
func (a *Agent) startLoops(ctx context.Context, loops *sync.WaitGroup) {
	loops.Go(func() { a.notes.Run(ctx) })
	loops.Go(func() { a.outbox.run(ctx) })
	loops.Go(func() { a.stateLoop(ctx) })
	loops.Go(func() { a.offlineLoop(ctx) })
	loops.Go(func() { a.power.run(ctx) })
	if a.safeMode.Load() {
		loops.Go(func() { a.outliveCrashes(ctx) })
	}
	if a.o.Feed != nil {
		loops.Go(func() { a.o.Watchdog.Run(ctx, a.o.FeedInterval, a.log, a.o.Feed, a.starved) })
	}
}

// startTriggers starts what makes calls by itself, until the stop begins.
func (a *Agent) startTriggers(ctx context.Context, loops *sync.WaitGroup) {
	a.o.Box.Watch(a.inputEdge)
	for _, t := range a.triggers {
		loops.Go(func() { t.run(ctx) })
	}
	for _, e := range a.open.remote {
		loops.Go(func() { a.resumeRemote(ctx, e) })
	}
}

// lastWords waits for the settling, reports, and signs off last. Whatever
// hangs, the sign-off keeps its share of the time.
func (a *Agent) lastWords(base context.Context, reason string, box *sync.WaitGroup) {
	report, done := context.WithTimeout(base, stopBudget-signOffShare-notesShare-closeShare)
	defer done()
	last, done := context.WithTimeout(base, stopBudget-notesShare-closeShare)
	defer done()
	waitFor(report, box)
	err := errors.Join(a.calls.wait(report), a.outbox.flush(report))
	a.lastState(report)
	if err = errors.Join(err, a.signOff(last, reason)); err != nil {
		a.log.Warn("stopped without all last words", "err", err)
	}
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
	if asked := a.asked.Load(); asked != nil {
		return *asked
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
