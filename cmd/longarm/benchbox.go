package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"longarm/push"
)

// box is a real agent with simulated lines that polls a rig.
type benchBox struct {
	*player
	rig       *rig
	dir       string
	container string
	held      arrival // its newest poll
	on        bool    // its relay, where that is counted
	control   net.Conn
	answers   *bufio.Reader // of the control socket
}

// agentConfig is the file of a box with one relay and a power-fail line.
const agentConfig = `[push]
url = %q
container = %q
key_file = %q
ca_file = %q
[[output]]
name = "router"
line = "GPIO17"
[power_fail]
line = "GPIO6"
hold_up = "20s"
restored_after = "20ms"
[state]
dir = %q
`

// startAgent starts the agent in dir, which gets its config, state, trace and
// control socket; more is added to the config. Paths may be relative, but for
// those that the config wants.
func startAgent(ctx context.Context, program, dir, url, container, keyFile, caFile, more string) (*player, error) {
	state, err := filepath.Abs(filepath.Join(dir, "state"))
	if err != nil {
		return nil, fmt.Errorf("name the state dir: %w", err)
	}
	if keyFile, err = filepath.Abs(keyFile); err != nil {
		return nil, fmt.Errorf("name the key file: %w", err)
	}
	if caFile, err = filepath.Abs(caFile); err != nil {
		return nil, fmt.Errorf("name the CA file: %w", err)
	}
	config := filepath.Join(dir, "longarm.toml")
	if err := writeFile(config, fmt.Sprintf(agentConfig, url, container, keyFile, caFile, state)+more, 0o600); err != nil {
		return nil, err
	}
	return spawn(ctx, dir, "agent", nil, program, "run", "-config", config, "-sim",
		"-sim-trace", filepath.Join(dir, "trace"), "-sim-control", filepath.Join(dir, "control"))
}

// startBox starts a box at the rig, with more than the relay in its config, and
// waits until both its connections are up: the poll is held, and the answer to a
// call has come over the other one.
func (b *benchmark) startBox(ctx context.Context, r *rig, more string) (*benchBox, error) {
	x := &benchBox{rig: r, dir: r.dir, container: push.NewID()}
	var err error
	if x.player, err = startAgent(ctx, b.agent, r.dir, r.url(), x.container, r.keyFile(), r.caFile(), more); err != nil {
		return nil, err
	}
	if err := x.join(ctx); err != nil {
		x.stop()
		return nil, fmt.Errorf("%w; the agent's last words: %s", err, x.lastWords())
	}
	return x, nil
}

func (x *benchBox) join(ctx context.Context) error {
	if err := x.rig.until(ctx, "the agent's first poll", x.sees); err != nil {
		return err
	}
	if _, _, err := x.do(ctx, "router read"); err != nil {
		return err
	}
	var dial net.Dialer
	var err error
	if x.control, err = dial.DialContext(ctx, "unix", filepath.Join(x.dir, "control")); err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	x.answers = bufio.NewReader(x.control)
	return nil
}

// sees keeps the box's newest poll and tells whether a is one.
func (x *benchBox) sees(a arrival) bool {
	if a.path != push.PollPath(x.container) {
		return false
	}
	x.held = a
	return true
}

func (x *benchBox) close() {
	_ = x.control.Close()
	x.stop()
}

// do sends one call and waits for its result and the next poll. sent is the
// time before the bytes of the call were written.
func (x *benchBox) do(ctx context.Context, data string) (id string, sent time.Duration, err error) {
	call := benchCall(x.container, data)
	if sent, err = x.held.release(call); err != nil {
		return "", 0, err
	}
	result := push.ResultPath(x.container, call.MessageID)
	answered, polled := false, false
	err = x.rig.until(ctx, "the agent's answer to "+data, func(a arrival) bool {
		polled = x.sees(a) || polled
		answered = answered || a.path == result
		return answered && polled
	})
	return call.MessageID, sent, err
}

// obeyed reads the control socket's answer.
func (x *benchBox) obeyed() error {
	if err := x.control.SetReadDeadline(time.Now().Add(benchPatience)); err != nil {
		return fmt.Errorf("bound the control socket: %w", err)
	}
	line, err := x.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("read the control socket: %w", err)
	}
	if line != "ok\n" {
		return fmt.Errorf("control socket: %s", strings.TrimSpace(line))
	}
	return nil
}

// edges are the times of the first edge of each call in the box's trace.
func (x *benchBox) edges() (map[string]time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(x.dir, "trace"))
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	return firstEdges(text)
}

// firstEdges reads a trace: why an edge was made → when the first one was, on
// CLOCK_MONOTONIC.
func firstEdges(trace []byte) (map[string]time.Duration, error) {
	first := map[string]time.Duration{}
	for line := range strings.Lines(string(trace)) {
		var e struct {
			At  int64 `json:"t_us"`
			Why string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, fmt.Errorf("a line of the trace: %w", err)
		}
		if _, ok := first[e.Why]; !ok {
			first[e.Why] = time.Duration(e.At) * time.Microsecond
		}
	}
	return first, nil
}
