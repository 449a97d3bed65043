package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"longarm/agent"
	"longarm/agent/config"
	"longarm/agent/journal"
)

const resumeHelp = `Ends safe mode: after 5 crashes or watchdog kills in 10 min the agent moves only
towards safe, until it has been up for 10 min or somebody says resume. It tells a
running agent at once (as root or as the agent's user); else the next start is a
normal one.`

// resumeSignal tells a running agent to end safe mode.
const resumeSignal = syscall.SIGUSR1

func resume(_ context.Context, c command) int {
	var s settings
	words, code, done := c.parse("resume", resumeHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("resume", words); bad {
		return code
	}
	cfg, _, err := config.Load(s.config)
	if err != nil {
		return fail(c.stderr, err)
	}
	told, err := endSafeMode(cfg, logQuiet(c))
	if err != nil {
		return fail(c.stderr, err)
	}
	fmt.Fprintln(c.stdout, told)
	return exitDone
}

// endSafeMode asks the agent that holds the state dir, or does it itself.
func endSafeMode(cfg config.Config, log *slog.Logger) (told string, err error) {
	j, err := openJournal(cfg, "resume", log)
	if held, ok := errors.AsType[*journal.HeldError](err); ok {
		pid := runningPID(held.Owner)
		if pid == 0 {
			return "", err
		}
		if err := syscall.Kill(pid, resumeSignal); err != nil {
			return "", fmt.Errorf("tell %s: %w", held.Owner, err)
		}
		return "told " + held.Owner, nil
	}
	if err != nil {
		return "", err
	}
	err = agent.ForgetCrashes(j)
	return "no agent runs; the next start is a normal one", errors.Join(err, j.Close())
}

// runningPID is the process of the agent that wrote owner (openJournal); 0
// when it is another verb.
func runningPID(owner string) int {
	var pid int
	if n, err := fmt.Sscanf(owner, "longarm-agent run, pid %d", &pid); n != 1 || err != nil || pid < 2 {
		return 0
	}
	return pid
}

// awaitResume passes the signal on until ctx ends.
func awaitResume(ctx context.Context, signals <-chan os.Signal, a *agent.Agent) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			a.Resume("told to")
		}
	}
}
