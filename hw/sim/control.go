package sim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	maxLine  = 256 // bytes of one control line
	maxConns = 16  // control connections at a time; more wait in the kernel's queue
)

// bind makes the control socket, in the place of one that nobody serves any more.
func bind(path string) (*net.UnixListener, error) {
	addr := &net.UnixAddr{Name: path, Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if !errors.Is(err, unix.EADDRINUSE) {
		if err != nil {
			return nil, fmt.Errorf("control socket: %w", err)
		}
		return l, nil
	}
	c, err := net.DialUnix("unix", nil, addr)
	if err == nil {
		return nil, errors.Join(fmt.Errorf("control socket %s: in use by another process", path), c.Close())
	}
	if !errors.Is(err, unix.ECONNREFUSED) { // not a socket, or not for us
		return nil, fmt.Errorf("control socket %s: cannot replace what is there: %w", path, err)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("control socket %s: what is there is not a socket", path)
	}
	if err := os.Remove(path); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if l, err = net.ListenUnix("unix", addr); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

// Run serves the control socket until ctx ends, then closes it and its connections and
// waits for them. Without a control socket it only waits for ctx.
func (m *Machine) Run(ctx context.Context) error {
	if m.control == nil {
		<-ctx.Done()
		return nil
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = m.control.Close() }) // ends Accept
	defer stop()
	slots := make(chan struct{}, maxConns)
	for {
		slots <- struct{}{}
		c, err := m.control.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("control socket: %w", err)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			m.serve(ctx, c)
		})
	}
}

// serve answers the lines of one connection.
func (m *Machine) serve(ctx context.Context, c *net.UnixConn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends Scan
	defer stop()
	defer c.Close()
	sc := bufio.NewScanner(c)
	sc.Buffer(make([]byte, maxLine), maxLine)
	for sc.Scan() {
		answer := "ok\n"
		if err := m.Control(sc.Text()); err != nil {
			answer = "error: " + err.Error() + "\n"
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return // the asker went away
		}
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		_, _ = c.Write([]byte("error: line is too long\n")) // last words
	}
}

// Control obeys one line of the control socket: "led on", "led off", "power fail",
// "power ok". The edge has been told when it returns.
func (m *Machine) Control(line string) error {
	words := strings.Fields(line)
	if len(words) != 2 {
		return fmt.Errorf("want two words, as in \"led on\" or \"power fail\"; %s", m.exist())
	}
	name, verb := words[0], words[1]
	m.mu.Lock()
	in, ok := m.inputs[name]
	power := name == "power" && m.power != nil && (verb == "fail" || verb == "ok")
	if power {
		in, ok = m.power, true
	}
	m.mu.Unlock()
	switch {
	case !ok && name == "power":
		return fmt.Errorf("want \"power fail\" or \"power ok\" and a power-fail line; %s", m.exist())
	case !ok:
		return fmt.Errorf("no input %q; %s", name, m.exist())
	case power:
		in.Move(verb == "fail")
	case verb == "on", verb == "off":
		in.Move(verb == "on")
	default:
		return fmt.Errorf("%q: want on or off", verb)
	}
	return nil
}

func (m *Machine) exist() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names()
	if len(n) == 0 {
		return "there are no inputs"
	}
	return "inputs are " + strings.Join(n, ", ")
}
