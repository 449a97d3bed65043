package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"longarm/agent"
	"longarm/device"
	"longarm/hw/clock"
	"longarm/hw/systemd"
	"longarm/push/client"
)

const runHelp = `Serves calls until SIGTERM, then settles, reports and signs off within 5 s. The
default verb. Under systemd (Type=notify) it says READY, feeds the watchdog while
its work goes on, and keeps its lines in the descriptor store.

With -sim the GPIO lines are simulated, and a board whose port is "sim:" gets a
stand-in; -sim-trace writes every edge, -sim-control moves inputs.`

// memoryLimit caps bursts; an idle agent needs about 6 MB, and below 6 MiB the
// garbage collector never rests.
const memoryLimit = 8 << 20

func run(ctx context.Context, c command) int {
	var s settings
	words, code, done := c.parse("run", runHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("run", words); bad {
		return code
	}
	debug.SetMemoryLimit(memoryLimit)
	if err := serve(ctx, newLogger(c.stderr), s); err != nil {
		return fail(c.stderr, err)
	}
	return exitDone
}

// serve joins hardware, agent and client, and runs them.
func serve(ctx context.Context, log *slog.Logger, s settings) error {
	cfg, faults, err := loadConfig(s, log)
	if err != nil {
		return err
	}
	if !cfg.PushOK {
		return fmt.Errorf("%s: [push] must be right before anything can be served", s.config)
	}
	p := &plant{cfg: cfg, log: log, faults: faults}
	if p.journal, err = openJournal(cfg, "run", log); err != nil {
		return err
	}
	defer p.close()
	if p.machine, err = newMachine(s, log); err != nil {
		return err
	}
	notify := systemd.New()
	p.machine.stored = systemd.Stored()
	p.machine.keep = notify

	watchdog := agent.NewWatchdog()
	p.openBox(ctx, watchdog.Guard)
	options := p.agentOptions(notify, watchdog)
	link, err := p.connect(&options)
	if err != nil {
		return err
	}
	defer link.Close()
	return p.runAgent(ctx, options)
}

// agentOptions gathers what the agent is told about this box.
func (p *plant) agentOptions(notify *systemd.Notifier, watchdog *agent.Watchdog) agent.Options {
	id, err := instance(p.journal)
	if err != nil {
		p.log.Warn("this box looks new to the service after a restart", "err", err)
	}
	boot := clock.BootID()
	o := agent.Options{
		Log: p.log, Box: p.box, Journal: p.journal, Watchdog: watchdog,
		Version: versionText(), Instance: id, Faults: p.faults,
		Last: agent.Last(p.journal, boot), Boot: clock.Boot, BootID: boot,
		Power: p.cfg.Device.PowerFail, StopReason: stopReason, Request: request,
	}
	p.tellInit(&o, notify)
	if clock.Synchronised() {
		o.Started = time.Now()
	}
	if err := agent.MarkRunning(p.journal, boot); err != nil {
		p.log.Warn("this run is not noted", "err", err)
	}
	return o
}

// tellInit sends the agent's words to systemd; without it they go nowhere.
func (p *plant) tellInit(o *agent.Options, notify *systemd.Notifier) {
	tell := func(err error) {
		if err != nil {
			p.log.Warn("init not told", "err", err)
		}
	}
	o.Status = func(text string) { tell(notify.Status(text)) }
	o.Ready = func() { tell(notify.Ready("settled, connecting")) }
	o.Stopping = func() { tell(notify.Stopping("settling and signing off")) }
	if every, on := notify.WatchdogInterval(); on {
		o.Feed = func() { tell(notify.Watchdog()) }
		o.FeedInterval = min(every/3, 10*time.Second)
	}
}

// connect makes the client and tells the agent about it.
func (p *plant) connect(o *agent.Options) (*client.Client, error) {
	wall := newFloorClock(p.journal, builtAt(), p.log)
	link, err := client.New(p.cfg.Push, client.Options{
		Log: p.log, Instance: o.Instance, Version: "longarm-agent/" + versionText(),
		Now: wall.now, GoodTime: wall.saw,
	})
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	o.Link, o.Service = link, hostOf(p.cfg.Push.URLs)
	return link, nil
}

func hostOf(urls []string) string {
	if len(urls) == 0 {
		return ""
	}
	u, err := url.Parse(urls[0])
	if err != nil {
		return urls[0]
	}
	return u.Host
}

// runAgent opens the power-fail line, whose edges go to the agent, and runs
// the agent beside the simulation's control socket.
func (p *plant) runAgent(ctx context.Context, o agent.Options) error {
	var power device.Level
	o.Lost = func() (bool, error) {
		if power == nil {
			return false, errors.New("power-fail line is not open")
		}
		return power.Active()
	}
	if o.Power == nil {
		o.Lost = nil
	}
	a := agent.New(o)
	if o.Power != nil {
		var err error
		if power, err = p.machine.openPower(*o.Power, a.PowerEdge); err != nil {
			p.log.Error("power-fail line is not served", "err", err)
			a.Fault("power", "power-fail line is not served: "+err.Error())
			power = nil
		}
	}
	simCtx, stopSim := context.WithCancel(context.WithoutCancel(ctx))
	var simulation sync.WaitGroup
	if p.machine.sim != nil {
		simulation.Go(func() {
			if err := p.machine.sim.Run(simCtx); err != nil {
				p.log.Error("simulation's control socket ended", "err", err)
			}
		})
	}
	err := a.Run(ctx)
	stopSim()
	simulation.Wait()
	return err
}
