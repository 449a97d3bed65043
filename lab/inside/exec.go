package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"longarm/lab/wire"
)

// run runs a program to its end and sends what it prints as it comes.
func (s *server) run(q wire.Request) error {
	if len(q.Argv) == 0 {
		return errors.New("no program")
	}
	c := exec.Command(q.Argv[0], q.Argv[1:]...)
	c.Env = append(os.Environ(), q.Env...)
	c.Dir = cmp.Or(q.Dir, "/")
	c.Stdout, c.Stderr = part{s, q.ID, wire.Out}, part{s, q.ID, wire.Err}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = 500 * time.Millisecond // for a child that it left behind with its output
	if err := c.Start(); err != nil {
		return err
	}
	s.runs(q.ID, c.Process)
	s.reply(wire.Reply{ID: q.ID, Ev: wire.Started})
	err := c.Wait()
	s.runs(q.ID, nil)
	s.reply(wire.Reply{ID: q.ID, Ev: wire.Exit, Code: exitCode(err)})
	return nil
}

func exitCode(err error) int {
	ended, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case !failed && (err == nil || errors.Is(err, exec.ErrWaitDelay)):
		return 0
	case !failed:
		return 255
	}
	if ws, ok := ended.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ended.ExitCode()
}

// runs notes which process a request runs; nil: none any more.
func (s *server) runs(id int64, p *os.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == nil {
		delete(s.programs, id)
		return
	}
	s.programs[id] = p
}

func (s *server) kill(q wire.Request) error {
	s.mu.Lock()
	p := s.programs[q.Ref]
	s.mu.Unlock()
	if p == nil {
		return fmt.Errorf("request %d runs no program", q.Ref)
	}
	return p.Signal(syscall.Signal(q.Sig))
}

// most is what one reply carries.
const most = 64 << 10

// part sends what is written to it as replies of one kind.
type part struct {
	s  *server
	id int64
	ev string
}

func (p part) Write(b []byte) (int, error) {
	for at := 0; at < len(b); at += most {
		p.s.reply(wire.Reply{ID: p.id, Ev: p.ev, Data: b[at:min(at+most, len(b))]})
	}
	return len(b), nil
}
