package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const demoHelp = `demo [-agent PATH] [-keep]
       longarm demo -control SOCKET 'door on'

Starts a push service and an agent with simulated lines and three relay boards
behind real ptys, one for each proof that a board can give, clicks through a call
of each kind, pulls the power, and shows who said what to whom and which edges
moved. Each step is checked: exit code 0 says
that all went as it should, 1 that something did not, and what.

  longarm demo                       takes about ten seconds
  longarm demo -keep                 leaves it running afterwards, to play with
  longarm demo -control /tmp/longarm-demo-1/control 'power fail'

Everything lives in a temporary folder and is gone at the end. The last form
moves an input of a demo that was left running.
`

const agentName = "longarm-agent"

func demo(ctx context.Context, c command) int {
	f := c.newFlags("demo", demoHelp)
	agent := f.String("agent", "", "the agent's binary; without it "+agentName+" beside this one, else in `PATH`")
	keep := f.Bool("keep", false, "leave service and agent running until ctrl-C, and print how to play with them")
	socket := f.String("control", "", "tell the agent that listens at `SOCKET` what its inputs do")
	words, code, done := f.parse(0, -1)
	if done {
		return code
	}
	switch {
	case *socket != "" && len(words) == 0:
		return f.wrong("-control wants what to say, such as 'door on' or 'power fail'")
	case *socket != "":
		return c.demoControl(ctx, *socket, strings.Join(words, " "))
	case len(words) > 0:
		return f.wrong("what is %q for?", words[0])
	}
	path, err := findAgent(*agent)
	if err != nil {
		fmt.Fprintf(c.stderr, "longarm: %v\n", err)
		return exitError
	}
	return c.demo(ctx, path, *keep)
}

func (c command) demoControl(ctx context.Context, socket, text string) int {
	if err := control(ctx, socket, text); err != nil {
		fmt.Fprintf(c.stderr, "longarm: %v\n", err)
		return exitError
	}
	fmt.Fprintf(c.stdout, "%s: ok\n", clean(text))
	return exitDone
}

// socketRoom is the longest path of a unix socket (unix(7)).
const socketRoom = 107

// demo plays the show in a folder of its own and says how it went.
func (c command) demo(ctx context.Context, agent string, keep bool) int {
	dir, err := os.MkdirTemp("", "longarm-demo-")
	if err != nil {
		fmt.Fprintf(c.stderr, "longarm: make a folder for the demo: %v\n", err)
		return exitError
	}
	if path := filepath.Join(dir, "control"); len(path) > socketRoom {
		fmt.Fprintf(c.stderr, "longarm: %s is too long for a socket; set TMPDIR to a shorter folder\n", path)
		_ = os.Remove(dir) // it is empty
		return exitError
	}
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // a closed stdout must not end us before the children
	defer signal.Stop(broken)
	t := newTeller(c.stdout, c.painter(c.stdout))
	s := newShow(c, dir, agent, t)
	err = s.run(ctx, keep)
	t.flush(true)
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintf(c.stderr, "longarm: clear the demo's folder: %v\n", err)
	}
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		err = errors.New("stopped before the end")
	}
	fmt.Fprintf(c.stderr, "longarm: demo: %v\n", err)
	return exitError
}

// findAgent is the absolute path of the agent's binary.
func findAgent(given string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			return "", fmt.Errorf("there is no agent to run at %s (%w); `make build` makes bin/%s, -agent says where it is", given, errors.Unwrap(err), agentName)
		}
		return filepath.Abs(path)
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), agentName)
		if path, err := exec.LookPath(beside); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(agentName)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", fmt.Errorf("there is no %s beside this binary or in PATH; `make build` makes both, -agent says where it is", agentName)
	}
	return filepath.Abs(path)
}
