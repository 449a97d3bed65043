package agent

import (
	"context"
	"sync/atomic"
	"time"

	"longarm/device"
)

const reasonPowerFail = "power-fail"

// lineLimit is by when a line must have been read.
const lineLimit = 10 * time.Second

// powerFail is the latch behind the power-fail line (design.md section 4): at
// the edge the sign-off goes out first, outputs follow after lost_after, and
// nothing new is accepted until power is back or the hold-up is over.
type powerFail struct {
	agent   *Agent
	spec    device.PowerFailSpec
	edges   chan bool                     // cap 1, newest wins
	gate    atomic.Pointer[chan struct{}] // nil: no latch; closed when polling may go on
	armed   atomic.Bool                   // false while the line said "lost" at start
	backing bool                          // the restored timer runs; run's own
	halting bool                          // poweroff was asked for; run's own

	watching atomic.Bool          // run waits, armed, for the first edge of a power-fail
	shot     atomic.Pointer[shot] // what PowerEdge did about it
}

func newPowerFail(a *Agent) *powerFail {
	p := &powerFail{agent: a, edges: make(chan bool, 1)}
	if a.o.Power != nil {
		p.spec = *a.o.Power
	}
	return p
}

// PowerEdge is the hardware's callback: lost is the level after the edge. The
// first edge of a power-fail latches and writes the sign-off right here, since
// no goroutine has to wake for it; the rest is run's. It waits for nobody. An
// unread older edge is replaced, since the level is re-read.
func (a *Agent) PowerEdge(lost bool) {
	if lost {
		a.power.shoot()
	}
	for {
		select {
		case a.power.edges <- lost:
			return
		default:
		}
		select {
		case <-a.power.edges:
		default:
		}
	}
}

// shoot latches and writes the sign-off, once a power-fail.
func (p *powerFail) shoot() {
	if !p.watching.CompareAndSwap(true, false) {
		return
	}
	if lost, err := p.lost(); !lost && err == nil {
		p.watching.Store(true)
		return // a glitch: the level is the truth
	}
	p.latch()
	p.shot.Store(&shot{reply: p.agent.o.Link.SignOffNow(reasonPowerFail, p.agent.polls.Load())})
}

// shot is a sign-off that PowerEdge wrote; reply is nil if it could not.
type shot struct {
	reply func(ctx context.Context) error
}

// latched and its gate are one word, so that nobody can wait at the gate of
// the next power-fail.
func (p *powerFail) latched() bool { return p.gate.Load() != nil }

func (p *powerFail) latch() {
	gate := make(chan struct{})
	p.gate.CompareAndSwap(nil, &gate)
}

// unlatch opens the gate.
func (p *powerFail) unlatch() {
	if gate := p.gate.Swap(nil); gate != nil {
		close(*gate)
	}
}

// mayPoll waits while the latch is set; false means: ask again.
func (p *powerFail) mayPoll(ctx context.Context) bool {
	gate := p.gate.Load()
	if gate == nil {
		return true
	}
	p.agent.o.Watchdog.Rest("poll")
	select {
	case <-ctx.Done():
	case <-*gate:
	}
	return false
}

// lost reads the line.
func (p *powerFail) lost() (bool, error) {
	defer p.agent.o.Watchdog.Guard("power-fail line", lineLimit)()
	return p.agent.o.Lost()
}

// run waits for edges until ctx ends. The level, not the edge, is the truth.
func (p *powerFail) run(ctx context.Context) {
	if p.agent.o.Lost == nil {
		return
	}
	p.arm()
	for {
		if p.shot.Load() == nil {
			p.watching.Store(p.armed.Load())
		}
		select {
		case <-ctx.Done():
			return
		case lost := <-p.edges:
			p.watching.Store(false)
			switch {
			case p.shot.Load() != nil, lost && p.armed.Load():
				p.failed(ctx)
			case !lost:
				p.rearm()
			}
		}
	}
}

// arm refuses a line that says "lost" at start: a wrong polarity would
// otherwise keep the box dark (hardware.md section 7).
func (p *powerFail) arm() {
	lost, err := p.lost()
	switch {
	case err != nil:
		p.agent.log.Error("power-fail line can't be read, not armed", "err", err)
		p.agent.faults.set("power", "power-fail line can't be read, not armed: "+err.Error())
	case lost:
		p.agent.log.Error("power-fail line says lost at start: not armed, check active in [power_fail]")
		p.agent.faults.set("power", "power-fail line says lost at start: not armed")
	default:
		p.armed.Store(true)
	}
	p.agent.changed()
}

// rearm follows a line that came back: armed from here on.
func (p *powerFail) rearm() {
	if p.armed.Swap(true) {
		return
	}
	p.agent.log.Info("power-fail line is inactive, armed")
	p.agent.faults.set("power")
	p.agent.changed()
}

// failed runs from the edge to the return of power, or to life on battery.
func (p *powerFail) failed(ctx context.Context) {
	fired := p.shot.Swap(nil)
	if fired == nil {
		if lost, err := p.lost(); !lost && err == nil {
			return // a glitch: the level is the truth
		}
		fired = &shot{}
	}
	defer p.shot.Store(nil) // an edge that came in between has been dealt with
	p.latch()
	p.backing = false
	began := time.Now()
	budget, cancel := context.WithTimeout(ctx, max(p.spec.HoldUp, time.Second))
	defer cancel()
	moved := make(chan bool, 1)
	go func() { moved <- p.moveToSafe(ctx, budget) }()
	if err := p.signOff(budget, fired); err != nil {
		p.agent.log.Warn("sign-off at power-fail not delivered", "err", err)
	}
	lasting := <-moved
	p.told(budget, lasting)
	p.outlast(ctx, p.spec.HoldUp-time.Since(began), lasting)
}

// told leaves behind where the outputs are, and asks for what is to follow
// once they have moved.
func (p *powerFail) told(ctx context.Context, moved bool) {
	p.agent.log.Warn("power failed", "outputs_moved", moved)
	p.agent.lastState(ctx) // after a sign-off it signs nothing on
	if moved && p.spec.Then != "stay" && p.spec.Then != "" {
		p.halting = p.ask(p.spec.Then) && p.spec.Then == "poweroff"
	}
}

func (p *powerFail) ask(action string) bool {
	err := p.agent.request(action)
	if err != nil {
		p.agent.log.Error("power action not asked for", "action", action, "err", err)
	}
	return err == nil
}

// unhalt: a box that halts while its power is back stays off for ever, since no power
// comes any more that would start it (hardware.md 3.4). It restarts instead.
func (p *powerFail) unhalt() {
	if p.halting {
		p.agent.log.Warn("power is back after poweroff was asked for: asking for a reboot, a halted box would stay off")
		p.halting = !p.ask("reboot")
	}
}

// signOff waits for the reply to the one that is out, or sends it.
func (p *powerFail) signOff(ctx context.Context, fired *shot) error {
	if fired.reply != nil {
		return fired.reply(ctx)
	}
	return p.agent.signOff(ctx, reasonPowerFail)
}

// moveToSafe drives the outputs once the power has been lost for lost_after,
// and tells whether it has.
func (p *powerFail) moveToSafe(ctx, budget context.Context) bool {
	lasting := p.stillLost(ctx, p.spec.LostAfter)
	if lasting {
		p.agent.o.Box.PowerFail(budget, true)
	}
	p.agent.markPower(true)
	return lasting
}

// stillLost waits d, or until the power is back, and re-reads the level.
func (p *powerFail) stillLost(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-p.edges:
			if lost, err := p.lost(); lost || err != nil {
				continue
			}
		}
		lost, err := p.lost()
		return lost || err != nil
	}
}

// outlast waits until power is back for restored_after. A box that still lives
// without power after hold_up signs on again as "on battery" meanwhile. Outputs
// that were spared, since the power came back, move when it is lost again.
func (p *powerFail) outlast(ctx context.Context, left time.Duration, moved bool) {
	holdUp := time.NewTimer(left)
	defer holdUp.Stop()
	restored := time.NewTimer(time.Hour)
	defer restored.Stop()
	outlived := false
	for {
		lost := p.follow(restored)
		if lost && !moved {
			moved = p.spared(ctx)
			continue
		}
		if lost && outlived && p.latched() {
			p.agent.faults.set("power", "on battery: power is lost, the box outlived its hold_up")
			p.back(ctx, "still alive after hold_up, on battery")
		}
		select {
		case <-ctx.Done():
			return
		case <-p.edges:
		case <-holdUp.C:
			outlived = true
		case <-restored.C:
			if lost, err := p.lost(); !lost && err == nil {
				p.agent.faults.set("power")
				p.agent.markPower(false)
				p.unhalt()
				p.back(ctx, "power is back")
				return
			}
		}
	}
}

// spared moves the outputs after all, unless the power comes back once more.
func (p *powerFail) spared(ctx context.Context) (moved bool) {
	budget, cancel := context.WithTimeout(ctx, max(p.spec.HoldUp, time.Second))
	defer cancel()
	if moved = p.moveToSafe(ctx, budget); moved {
		p.told(budget, true)
	}
	return moved
}

// follow re-reads the level and lets the restored timer run only while it says
// that power is back. A line that can't be read counts as lost.
func (p *powerFail) follow(restored *time.Timer) (lost bool) {
	lost, err := p.lost()
	if lost || err != nil {
		restored.Stop()
		p.backing = false
		return true
	}
	if !p.backing {
		p.backing = true
		restored.Reset(p.spec.RestoredAfter)
	}
	return false
}

// back signs on again, without a restart.
func (p *powerFail) back(ctx context.Context, why string) {
	p.agent.log.Info("signing on", "why", why)
	if p.latched() {
		p.agent.o.Box.PowerFail(ctx, false)
		p.unlatch()
		p.agent.resume()
	}
	p.agent.changed()
}
