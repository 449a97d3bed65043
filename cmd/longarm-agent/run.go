package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
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

	resume := make(chan os.Signal, 1)
	signal.Notify(resume, resumeSignal)
	defer signal.Stop(resume)
	options := p.agentOptions(notify)
	if options.SafeMode {
		p.startAsIs() // at_start would move at each turn of the loop
	}
	p.openBox(ctx, options.Watchdog.Guard)
	options.Box, options.Faults = p.box, p.faults
	link, err := p.connect(&options)
	if err != nil {
		p.giveUp(ctx, options)
		return err
	}
	defer link.Close()
	return p.runAgent(ctx, options, resume)
}

// agentOptions gathers what the agent is told about this box, and notes that
// it runs.
func (p *plant) agentOptions(notify *systemd.Notifier) agent.Options {
	id, err := instance(p.journal)
	if err != nil {
		p.log.Warn("this box looks new to the service after a restart", "err", err)
	}
	boot := clock.BootID()
	o := agent.Options{
		Log: p.log, Journal: p.journal, Watchdog: agent.NewWatchdog(), Notes: agent.NewNotes(p.journal, p.log),
		Version: versionText(), Instance: id,
		Last: agent.Last(p.journal, boot), Boot: clock.Boot, BootID: boot,
		Triggers: p.cfg.Device.Triggers, ClockSet: clock.Synchronised,
		Power: p.cfg.Device.PowerFail, StopReason: stopReason, Request: request,
	}
	p.tellInit(&o, notify)
	if clock.Synchronised() {
		o.Started = time.Now()
	}
	if o.SafeMode, err = agent.MarkRunning(p.journal, o.Last, boot, clock.Boot()); err != nil {
		p.log.Warn("this run is not noted", "err", err)
	}
	if o.SafeMode {
		p.log.Error("crash loop: starting in safe mode, only moves towards safe are done", "last_run", o.Last.Cause)
	}
	forgetReason(p.log)
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
	wall := newFloorClock(p.journal, o.Notes, builtAt())
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
func (p *plant) runAgent(ctx context.Context, o agent.Options, resume <-chan os.Signal) error {
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
		if power, err = p.machine.openPower(*o.Power, a.PowerEdge, powerGone(a)); err != nil {
			p.log.Error("power-fail line is not served", "err", err)
			a.Fault("power", "power-fail line is not served: "+err.Error())
			power = nil
		}
	}
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { awaitResume(beside, resume, a) })
	if p.machine.sim != nil {
		loops.Go(func() {
			if err := p.machine.sim.Run(beside); err != nil {
				p.log.Error("simulation's control socket ended", "err", err)
			}
		})
	}
	err := a.Run(ctx)
	stop()
	loops.Wait()
	return err
}

// powerGone keeps the fault that the power-fail line was lost with its chip.
func powerGone(a *agent.Agent) func(err error) {
	return func(err error) {
		if err == nil {
			a.Fault("power-line")
			return
		}
		a.Fault("power-line", "power-fail line is gone, no sign-off at a power-fail: "+err.Error())
	}
}

// giveUp settles what the last run left when this one can't serve: a relay
// must not stay active because a key file is gone. It is no crash.
func (p *plant) giveUp(ctx context.Context, o agent.Options) {
	agent.Recover(ctx, p.box, p.journal, o.Last, o.BootID, p.log)
	if err := agent.MarkStopped(p.journal, o.BootID, "config fault"); err != nil {
		p.log.Warn("stop not noted", "err", err)
	}
}
