package field

import (
	"syscall"
	"testing"
)

// Freeze stops the service's process in its tracks: it takes connections and bytes, as its
// kernel does that, and answers nothing until Thaw.
func (s *Service) Freeze(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Service) Thaw(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT) }

func (s *Service) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal the service: %v", err)
	}
}
