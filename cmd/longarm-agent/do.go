package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"longarm/agent"
	"longarm/agent/journal"
	"longarm/device"
	"longarm/hw/clock"
	"longarm/push"
)

const doHelp = `Does one call on this box without the network, by the same path as a remote
call, and prints its answer as JSON:

  longarm-agent do -config /etc/longarm/longarm.toml 'router cycle 10s'

The agent holds the lines while it runs: then do ends with exit code 5 and names
the owner. Lines are released when do ends, and the kernel may then return them
to inputs; a lease ('pump on 10m') is therefore held until it is over.

Exit codes: 0 done, 3 failed, refused or expired, 4 unknown, 5 in use.`

const safeHelp = `Brings every output to its safe level. Ends with exit code 5 and names the owner
while an agent holds the lines. The unit longarm-safe.service runs it when the
agent can't be kept running.`

// logQuiet keeps stderr for faults: do and safe print what they did.
func logQuiet(c command) *slog.Logger {
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// openPlant opens the state dir and the hardware for a verb that ends by itself.
func openPlant(ctx context.Context, c command, verb string, s settings) (*plant, error) {
	p := &plant{log: logQuiet(c)}
	var err error
	if p.cfg, p.faults, err = loadConfig(s, p.log); err != nil {
		return nil, err
	}
	if p.journal, err = openJournal(p.cfg, verb, p.log); err != nil {
		return nil, err
	}
	if p.machine, err = newMachine(s, p.log); err != nil {
		p.close()
		return nil, err
	}
	p.startAsIs()
	p.openBox(ctx, nil)
	boot := clock.BootID()
	agent.Recover(ctx, p.box, p.journal, agent.Last(p.journal, boot), boot, p.log)
	return p, nil
}

func do(ctx context.Context, c command) int {
	var s settings
	words, code, done := c.parse("do", doHelp, &s)
	if done {
		return code
	}
	cmd, err := device.ParseCommand(strings.Join(words, " "))
	if err != nil {
		fmt.Fprintln(c.stderr, "longarm-agent:", err)
		return exitUsage
	}
	p, err := openPlant(ctx, c, "do", s)
	if err != nil {
		return fail(c.stderr, err)
	}
	defer p.close()
	if busy := p.busyPart(cmd.Target); busy != nil {
		return fail(c.stderr, busy)
	}

	stop := p.runBox(ctx)
	defer stop()
	ans, id := p.obey(ctx, cmd)
	fmt.Fprintln(c.stdout, string(ans.Append(nil)))
	p.holdLease(ctx, c, cmd.Target, id)
	return answerCode(ans.State)
}

// runBox serves the box until stop, or Ctrl-C, which settle it. Its errors are
// in the answers.
func (p *plant) runBox(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = p.box.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

// obey runs the command through the journal like a remote call.
func (p *plant) obey(ctx context.Context, cmd device.Command) (ans device.Answer, id string) {
	id = "do-" + push.NewID()
	if _, _, err := p.journal.Received(journal.Received{ID: id, Data: cmd.String()}); err != nil {
		p.log.Warn("call not journaled", "err", err)
	}
	ans = p.box.Do(ctx, cmd, device.Meta{Call: id, Begin: func(_ context.Context, a device.Action) error {
		return p.journal.Started(id, journal.Begun{Target: a.Target, Verb: a.Verb, Kind: a.Kind, BootID: clock.BootID(), Deadline: clock.Boot() + a.Width})
	}})
	err := p.journal.Finished(id, ans.Append(nil))
	if err == nil {
		err = p.journal.Reported(id) // printed is reported
	}
	if err != nil {
		p.log.Warn("answer not journaled", "err", err)
	}
	return ans, id
}

// holdLease keeps the line until the lease is over: it would end with us.
func (p *plant) holdLease(ctx context.Context, c command, target, call string) {
	told := false
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for p.journal.Leases()[target] == call {
		if !told {
			told = true
			fmt.Fprintln(c.stderr, "holding the line until the lease is over; Ctrl-C ends it now")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func answerCode(state string) int {
	switch state {
	case device.Done:
		return exitDone
	case device.Unknown:
		return exitUnknown
	}
	return exitRefused
}

func safe(ctx context.Context, c command) int {
	var s settings
	words, code, done := c.parse("safe", safeHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("safe", words); bad {
		return code
	}
	p, err := openPlant(ctx, c, "safe", s)
	if err != nil {
		return fail(c.stderr, err)
	}
	defer p.close()
	stop := p.runBox(ctx)
	defer stop()
	err = p.box.Safe(ctx)
	for _, t := range p.box.Report() {
		if t.Kind == "output" {
			fmt.Fprintf(c.stdout, "%s: load %s, line %s %s\n", t.Name, t.Load, activeWord(t.Active), t.Detail)
		}
	}
	if err != nil {
		return fail(c.stderr, err)
	}
	return exitDone
}
