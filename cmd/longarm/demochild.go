package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// childLimit bounds how long a child may take to end: above the 10 s in which
// a service drains (drainLimit) and the 5 s of an agent's stop.
const childLimit = 15 * time.Second

// child is a process of the demo. Its log, stderr, goes to a file; its stdout,
// where a service greets with its token, goes nowhere.
type child struct {
	name, log string
	cmd       *exec.Cmd
	done      chan struct{} // closed when it ended
	err       error         // how; read it after done
}

// startChild starts a program in dir. It is in a process group of its own, so
// that ctrl-C reaches us alone and the children end in order; the kernel ends
// it when we are killed.
func startChild(name, dir, path string, args ...string) (*child, error) {
	c := &child{name: name, log: filepath.Join(dir, name+".log"), cmd: exec.Command(path, args...), done: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	c.cmd.Dir, c.cmd.Stderr = dir, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig looks at the thread that forked: it must live as long as the child
		defer runtime.UnlockOSThread()
		defer close(c.done)
		defer log.Close()
		err := c.cmd.Start()
		if started <- err; err == nil {
			c.err = c.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-c.done
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	return c, nil
}

// end asks the child to end and waits for it, or kills it when its time is
// over. The error says that it did not end with 0. A nil child has ended.
func (c *child) end() error {
	if c == nil {
		return nil
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	limit := time.NewTimer(childLimit)
	defer limit.Stop()
	select {
	case <-c.done:
	case <-limit.C:
		_ = c.cmd.Process.Kill()
		<-c.done
		return errors.Join(fmt.Errorf("the %s did not end within %s and was killed", c.name, childLimit), c.lastWords())
	}
	if c.err != nil {
		return errors.Join(fmt.Errorf("the %s ended with %w, want exit code 0", c.name, c.err), c.lastWords())
	}
	return nil
}

// fell is why a child that ended by itself did so.
func (c *child) fell() error {
	return errors.Join(fmt.Errorf("the %s ended by itself: %s", c.name, c.cmd.ProcessState), c.lastWords())
}

// lastWords are the last lines of the child's log, as an error for errors.Join.
func (c *child) lastWords() error {
	const most = 12
	b, err := os.ReadFile(c.log)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	lines = lines[max(0, len(lines)-most):]
	for i := range lines {
		lines[i] = "  " + clean(lines[i])
	}
	return fmt.Errorf("the last lines of its log:\n%s", strings.Join(lines, "\n"))
}
