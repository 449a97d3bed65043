package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// benchPatience bounds each wait for another process; a good run never
	// comes near it.
	benchPatience = 20 * time.Second
	// stopLimit is above the 5 s that an agent takes to stop, and the 10 s
	// that a service drains.
	stopLimit = 15 * time.Second
)

// player is a process that takes part in a measurement. It reads lines and
// prints lines; what it complains of goes into a file.
type player struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // closed at the end of its output
	log   string
	end   context.CancelFunc
	done  chan struct{}
}

// spawn starts a program in dir's company: its log is dir/NAME.log. It is ended
// by stop, or with ctx. attr may be nil.
func spawn(ctx context.Context, dir, name string, attr *syscall.SysProcAttr, program string, args ...string) (*player, error) {
	ctx, end := context.WithCancel(ctx)
	k := &player{name: name, log: filepath.Join(dir, name+".log"), end: end,
		lines: make(chan string, 64), done: make(chan struct{})}
	k.cmd = exec.CommandContext(ctx, program, args...)
	k.cmd.SysProcAttr = attr
	k.cmd.Cancel = func() error { return k.cmd.Process.Signal(syscall.SIGTERM) }
	k.cmd.WaitDelay = stopLimit
	if err := k.start(); err != nil {
		end()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return k, nil
}

func (k *player) start() error {
	log, err := os.Create(k.log)
	if err != nil {
		return err
	}
	defer log.Close()
	k.cmd.Stderr = log
	if k.in, err = k.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := k.cmd.Start(); err != nil {
		return err
	}
	go k.follow(out) // stop waits for it
	return nil
}

// follow passes the lines on until the output ends, then waits for the process.
func (k *player) follow(out io.Reader) {
	defer close(k.done)
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		k.lines <- scan.Text()
	}
	close(k.lines)
	_ = k.cmd.Wait() // who waits for a line hears of the end
}

// line is the next line of its output.
func (k *player) line(ctx context.Context, patience time.Duration) (string, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case l, ok := <-k.lines:
		if !ok {
			return "", fmt.Errorf("%s ended: %s", k.name, k.lastWords())
		}
		return l, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-timer.C:
		return "", fmt.Errorf("%s said nothing for %s: %s", k.name, patience, k.lastWords())
	}
}

// lastWords is the end of its log.
func (k *player) lastWords() string {
	text, err := os.ReadFile(k.log)
	if err != nil || len(text) == 0 {
		return "its log is empty"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}

// stop asks the process to end and waits until it has. A second stop does
// nothing, and so does one of a child that was never started.
func (k *player) stop() {
	if k == nil {
		return
	}
	_ = k.in.Close() // it may have ended already
	k.end()
	for range k.lines { // or it could hang at its output
	}
	<-k.done
}

// role is the part of a child process that is this program again.
func (b *benchmark) role(ctx context.Context, name string, attr *syscall.SysProcAttr, words ...string) (*player, error) {
	return spawn(ctx, b.dir, name, attr, b.self, append([]string{"bench", "-as", name}, words...)...)
}

// benchRole is what such a child does.
func (c command) benchRole(ctx context.Context, role string, words []string) int {
	roles := map[string]func(context.Context, command, []string) error{
		rolePollOurs: pollOurs, rolePollNetHTTP: pollNetHTTP, roleFresh: signOffFresh, roleIdle: idleSite, roleBare: readBare,
	}
	play, ok := roles[role]
	if !ok {
		fmt.Fprintf(c.stderr, "longarm bench: no role %q\n", role)
		return exitUsage
	}
	if err := play(ctx, c, words); err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) {
		fmt.Fprintf(c.stderr, "longarm bench: %s: %v\n", role, err)
		return exitError
	}
	return exitDone
}
