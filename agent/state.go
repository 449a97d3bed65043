package agent

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"longarm/push"
)

// stateSpacing is the least time between two state reports (protocol.md 6).
const stateSpacing = time.Second

// faultList holds the standing faults by their origin. Safe for concurrent use.
type faultList struct {
	mu  sync.Mutex
	all map[string][]string
}

// set replaces the faults of one origin; none takes them away.
func (l *faultList) set(origin string, faults ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string][]string{}
	}
	l.all[origin] = faults
}

func (l *faultList) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, faults := range l.all {
		out = append(out, faults...)
	}
	slices.Sort(out)
	return out
}

// stateLoop keeps the second connection warm and sends the state at sign-on
// and on change: at most one a second, the last one wins, losing it loses
// nothing.
func (a *Agent) stateLoop(ctx context.Context) {
	pace := time.NewTimer(stateSpacing)
	defer pace.Stop()
	dirty := true
	for {
		if !a.power.latched() {
			dirty = a.sendState(ctx, dirty)
		}
		pace.Reset(stateSpacing)
		select {
		case <-ctx.Done():
			return
		case <-a.o.Box.Changed():
			dirty = true
		case <-a.signedOn:
			dirty = true
		case <-a.polled:
		}
		a.open.followUp(a.o.Box, a.o.Journal, a.o.BootID, a.log)
		a.status()
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
	}
}

// sendState warms the connection and sends the report if it is wanted; it
// returns whether the report is still owed.
func (a *Agent) sendState(ctx context.Context, dirty bool) bool {
	ctx, cancel := context.WithTimeout(ctx, ackLimit)
	defer cancel()
	defer a.o.Watchdog.Guard("state", 2*ackLimit)()
	if err := a.o.Link.KeepWarm(ctx); err != nil {
		return dirty // the poll meets the same trouble and says so
	}
	if a.held.Load() && a.o.Link.Armed() && a.lostAt.Swap(nil) != nil {
		kick(a.outbox.kick)
		a.changed()
	}
	if err := a.o.Link.Greet(ctx); err != nil || !dirty || !a.o.Link.Ours() {
		return dirty
	}
	return a.told(ctx) != nil
}

// told sends the report; nil: the service has it, and with it the events.
func (a *Agent) told(ctx context.Context) error {
	events := a.events.untold()
	if err := a.o.Link.State(ctx, a.report()); err != nil {
		return err
	}
	a.events.markTold(events)
	a.reported(events)
	return nil
}

// lastState leaves the settled state behind, as what people see until the box
// is back.
func (a *Agent) lastState(ctx context.Context) {
	if !a.online() || !a.o.Link.Ours() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stateSpacing)
	defer cancel()
	if err := a.told(ctx); err != nil {
		a.log.Debug("last state not delivered", "err", err)
	}
}

// changed asks for a new report and status line.
func (a *Agent) changed() {
	kick(a.signedOn)
	a.status()
}

// kick signals a channel of capacity 1; a signal that is still unread serves.
func kick(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (a *Agent) report() push.Report {
	r := push.Report{Agent: push.AgentState{
		Version: a.o.Version, Cause: a.o.Last.Cause, Faults: a.allFaults(), Instance: a.o.Instance,
		Events: a.events.list(a.clockSet()),
	}}
	if !a.o.Started.IsZero() {
		r.Agent.Started = a.o.Started.UTC().Format(time.RFC3339)
	}
	for _, t := range a.o.Box.Report() {
		r.Targets = append(r.Targets, push.TargetState(t))
	}
	return r
}

func (a *Agent) clockSet() bool {
	if a.o.ClockSet == nil {
		return !a.o.Started.IsZero()
	}
	return a.o.ClockSet()
}

func (a *Agent) allFaults() []string {
	faults := a.faults.list()
	if err := a.o.Journal.Degraded(); err != nil {
		faults = append(faults, err.Error())
	}
	return faults
}

// status writes the one line that systemctl status shows.
func (a *Agent) status() {
	if a.online() {
		a.say("connected to " + a.o.Service)
		return
	}
	a.say("not connected to " + a.o.Service)
}

func (a *Agent) statusTrouble(err error) {
	a.say("not connected to " + a.o.Service + ": " + printable(err.Error()))
}

func (a *Agent) say(link string) {
	if a.o.Status == nil {
		return
	}
	text := link + "; " + strconv.Itoa(len(a.o.Box.Targets())) + " targets"
	if faults := a.allFaults(); len(faults) > 0 {
		text += "; " + strconv.Itoa(len(faults)) + " faults: " + faults[0]
	}
	if !a.o.Link.Armed() && a.online() {
		text += "; sign-off not armed"
	}
	a.o.Status(text)
}

// Fault adds standing faults of one origin to the state report and the status
// line; none takes them away. Safe for concurrent use.
func (a *Agent) Fault(origin string, faults ...string) {
	a.faults.set(origin, faults...)
	a.changed()
}
