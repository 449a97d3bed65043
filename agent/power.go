package agent

import (
	"context"
	"sync/atomic"
	"time"

	"longarm/device"
)

const reasonPowerFail = "power-fail"

// powerFail is the latch behind the power-fail line (design.md section 4): at
// the edge the sign-off goes out first, outputs follow after lost_after, and
// nothing new is accepted until power is back or the hold-up is over.
type powerFail struct {
	agent   *Agent
	spec    device.PowerFailSpec
	edges   chan bool // cap 1, newest wins
	gate    atomic.Pointer[chan struct{}]
	latch   atomic.Bool
	armed   atomic.Bool // false while the line said "lost" at start
	backing bool        // the restored timer runs; run's own
}

func newPowerFail(a *Agent) *powerFail {
	p := &powerFail{agent: a, edges: make(chan bool, 1)}
	if a.o.Power != nil {
		p.spec = *a.o.Power
	}
	p.openGate()
	return p
}

// PowerEdge is the hardware's callback: lost is the level after the edge. It
// never blocks; an unread older edge is replaced, since the level is re-read.
func (a *Agent) PowerEdge(lost bool) {
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

func (p *powerFail) latched() bool { return p.latch.Load() }

// woken is closed when polling may go on after a latch.
func (p *powerFail) woken() <-chan struct{} {
	if p.latched() {
		return *p.gate.Load()
	}
	return nil
}

// mayPoll waits while the latch is set; false means: ask again.
func (p *powerFail) mayPoll(ctx context.Context) bool {
	if !p.latched() {
		return true
	}
	p.agent.o.Watchdog.Rest("poll")
	select {
	case <-ctx.Done():
	case <-*p.gate.Load():
	}
	return false
}

func (p *powerFail) openGate() {
	ch := make(chan struct{})
	p.gate.Store(&ch)
}

// run waits for edges until ctx ends. The level, not the edge, is the truth.
func (p *powerFail) run(ctx context.Context) {
	if p.agent.o.Lost == nil {
		return
	}
	p.arm()
	for {
		select {
		case <-ctx.Done():
			return
		case lost := <-p.edges:
			switch {
			case !lost:
				p.rearm()
			case p.armed.Load():
				p.failed(ctx)
			}
		}
	}
}

// arm refuses a line that says "lost" at start: a wrong polarity would
// otherwise keep the box dark (hardware.md section 7).
func (p *powerFail) arm() {
	lost, err := p.agent.o.Lost()
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
	if lost, err := p.agent.o.Lost(); !lost && err == nil {
		return // a glitch: the level is the truth
	}
	p.latch.Store(true)
	p.backing = false
	began := time.Now()
	budget, cancel := context.WithTimeout(ctx, max(p.spec.HoldUp, time.Second))
	defer cancel()
	signed := make(chan error, 1)
	go func() { signed <- p.agent.signOff(budget, reasonPowerFail) }()

	lasting := p.stillLost(ctx, p.spec.LostAfter)
	if lasting {
		p.agent.o.Box.PowerFail(budget, true)
	}
	err := <-signed
	p.agent.markPower(true)
	if err != nil {
		p.agent.log.Warn("sign-off at power-fail not delivered", "err", err)
	}
	p.agent.log.Warn("power failed", "outputs_moved", lasting)
	p.agent.lastState(budget) // after a sign-off it tells where the outputs are, and signs nothing on
	if lasting && p.spec.Then != "stay" && p.spec.Then != "" {
		if err := p.agent.request(p.spec.Then); err != nil {
			p.agent.log.Error("power action not asked for", "action", p.spec.Then, "err", err)
		}
	}
	p.outlast(ctx, p.spec.HoldUp-time.Since(began))
}

// stillLost waits d and re-reads the level.
func (p *powerFail) stillLost(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	lost, err := p.agent.o.Lost()
	return lost || err != nil
}

// outlast waits until power is back for restored_after. A box that still lives
// without power after hold_up signs on again as "on battery" meanwhile.
func (p *powerFail) outlast(ctx context.Context, left time.Duration) {
	holdUp := time.NewTimer(left)
	defer holdUp.Stop()
	restored := time.NewTimer(time.Hour)
	defer restored.Stop()
	outlived := false
	for {
		if lost := p.follow(restored); lost && outlived && p.latched() {
			p.agent.faults.set("power", "on battery: power is lost, the box outlived its hold_up")
			p.back("still alive after hold_up, on battery")
		}
		select {
		case <-ctx.Done():
			return
		case <-p.edges:
		case <-holdUp.C:
			outlived = true
		case <-restored.C:
			if lost, err := p.agent.o.Lost(); !lost && err == nil {
				p.agent.faults.set("power")
				p.back("power is back")
				return
			}
		}
	}
}

// follow re-reads the level and lets the restored timer run only while it says
// that power is back. A line that can't be read counts as lost.
func (p *powerFail) follow(restored *time.Timer) (lost bool) {
	lost, err := p.agent.o.Lost()
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
func (p *powerFail) back(why string) {
	p.agent.log.Info("signing on", "why", why)
	if p.latch.Swap(false) {
		p.agent.markPower(false)
		p.agent.o.Box.PowerFail(context.Background(), false)
		gate := *p.gate.Load()
		p.openGate()
		close(gate)
		p.agent.resume()
	}
	p.agent.changed()
}
