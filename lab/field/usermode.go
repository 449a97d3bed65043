package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ARMv6 is the processor of the first Raspberry Pi and of the Zero, as qemu-user has it.
const ARMv6 = "arm1176"

// UserMode runs ARM binaries on the host, by qemu-user on a processor of that name: what
// a kernel and its lines do is not tested there, what the processor can do is.
type UserMode struct {
	Dir    string // of config, key, state and trace of simulated lines
	Config string
	cpu    string
	t      *testing.T
}

// User makes a folder with key and config for a container of the service. config is as in
// Install, for simulated lines.
func User(t *testing.T, cpu string, s *Service, c Container, config string) *UserMode {
	t.Helper()
	Need(t)
	if _, err := exec.LookPath("qemu-arm-static"); err != nil {
		t.Fatal("qemu-arm-static is missing: install the package qemu-user-static")
	}
	Where(t, "qemu-user "+cpu)
	u := &UserMode{Dir: t.TempDir(), cpu: cpu, t: t}
	u.Config = u.Write("longarm.toml", fmt.Sprintf("[push]\nurl = \"https://127.0.0.1:%s\"\ncontainer = %q\nkey_file = %q\npins = [%q]\n[state]\ndir = %q\n%s",
		s.Port, c.ID, u.Write("key", c.Key), s.Pin, filepath.Join(u.Dir, "state"), config))
	return u
}

// Write writes a file into the folder and gives its path.
func (u *UserMode) Write(name, text string) string {
	u.t.Helper()
	path := filepath.Join(u.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
	return path
}

func (u *UserMode) command(bin string, args ...string) *exec.Cmd {
	c := exec.Command("qemu-arm-static", append([]string{"-cpu", u.cpu, bin}, args...)...)
	c.Dir = u.Dir
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// Run runs a binary to its end; a code of 128 and more is a signal's.
func (u *UserMode) Run(bin string, args ...string) (out string, code int) {
	u.t.Helper()
	text, err := u.command(bin, args...).CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		if ws, is := ended.Sys().(syscall.WaitStatus); is && ws.Signaled() {
			return string(text), 128 + int(ws.Signal())
		}
		return string(text), ended.ExitCode()
	}
	if err != nil {
		u.t.Fatalf("%s: %v", bin, err)
	}
	return string(text), 0
}

// Start starts a binary; stop ends it with SIGTERM and gives its exit code. It is killed
// when the test ends.
func (u *UserMode) Start(bin string, args ...string) (stop func() int) {
	u.t.Helper()
	c := u.command(bin, args...)
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		u.t.Fatalf("%s: %v", bin, err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	u.t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, if all is well
		<-ended
		if u.t.Failed() {
			u.t.Logf("the agent's log:\n%s", log.String())
		}
	})
	return func() int {
		_ = c.Process.Signal(syscall.SIGTERM)
		limit := time.NewTimer(30 * time.Second)
		defer limit.Stop()
		select {
		case <-ended:
		case <-limit.C:
			u.t.Fatal("the agent does not end after SIGTERM")
		}
		return c.ProcessState.ExitCode()
	}
}

// Moves are the changes of a simulated line in the trace file, oldest first, as "true false".
func (u *UserMode) Moves(trace, line string) string {
	u.t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		u.t.Fatal(err)
	}
	var moves []string
	for l := range strings.Lines(string(text)) {
		var e struct {
			Name   string
			Active bool
		}
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			u.t.Fatalf("trace %q: %v", l, err)
		}
		if e.Name == line {
			moves = append(moves, fmt.Sprint(e.Active))
		}
	}
	return strings.Join(moves, " ")
}
