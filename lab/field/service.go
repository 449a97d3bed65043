package field

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// GuestHost is the host's loopback as a guest sees it.
const GuestHost = "10.0.2.2"

// Service is one `longarm serve` on the host's loopback, with the data dir of its own.
type Service struct {
	Dir   string
	Port  string // the TCP port, the same over every restart
	Token string // of the administrator
	Pin   string // of the certificate, sha256/…
	bin   string
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan struct{}
	api   *api
}

// Serve starts a service for t; it is ended when t ends.
func Serve(t testing.TB) *Service {
	t.Helper()
	s := &Service{Dir: t.TempDir(), Port: "0", bin: Longarm(t)}
	s.Start(t)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the service's log:\n%s", s.log.String())
		}
	})
	return s
}

// Start starts the service, again after Stop or Kill, at the port that it had.
func (s *Service) Start(t testing.TB) {
	t.Helper()
	_ = os.Remove(s.file("listen.addr"))
	s.cmd = exec.Command(s.bin, "serve", "-data", s.Dir, "-listen", "127.0.0.1:"+s.Port)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("longarm serve: %v", err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(c *exec.Cmd) { _ = c.Wait(); close(ended) }(s.cmd)
	Until(t, "the service listens", 10*time.Second, func() bool {
		_, err := os.Stat(s.file("listen.addr"))
		return err == nil
	})
	_, port, err := net.SplitHostPort(s.read(t, "listen.addr"))
	if err != nil {
		t.Fatalf("listen.addr: %v", err)
	}
	s.Port, s.Token, s.Pin = port, s.read(t, "admin.token"), s.read(t, "tls.pin")
	s.api = newAPI(t, s)
}

// Stop ends the service as an administrator does: with SIGTERM, drained.
func (s *Service) Stop() { s.end(syscall.SIGTERM) }

// Kill ends it at once.
func (s *Service) Kill() { s.end(syscall.SIGKILL) }

func (s *Service) end(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	<-s.ended
}

// Longarm runs a verb of the operator's command line against the service.
func (s *Service) Longarm(t testing.TB, args ...string) (stdout string, code int) {
	t.Helper()
	c := exec.Command(s.bin, args...)
	c.Env = append(os.Environ(), "LONGARM_URL=https://127.0.0.1:"+s.Port, "LONGARM_TOKEN="+s.Token, "LONGARM_PIN="+s.Pin, "NO_COLOR=1")
	out, err := c.Output()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		code = ended.ExitCode()
	case err != nil:
		t.Fatalf("longarm %v: %v", args, err)
	}
	return string(out), code
}

func (s *Service) file(name string) string { return filepath.Join(s.Dir, name) }

func (s *Service) read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(s.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return trim(b)
}
