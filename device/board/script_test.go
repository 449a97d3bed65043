package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script is a wire with recorded bytes: what is written must be the next line,
// and then its answer can be read. What is left over is a failure.
type script struct {
	t      *testing.T
	mu     sync.Mutex
	lines  []exchange
	unread []byte
	at     []time.Time // of the writes
	fail   error       // of everything
	closed bool
}

type exchange struct{ write, answer string }

func (s *script) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = nil
	return s.fail
}

func (s *script) Write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.at = append(s.at, time.Now())
	got := fmt.Sprintf("%X", p)
	if len(s.lines) == 0 || s.lines[0].write != got {
		s.t.Errorf("wrote %s, want %+v", got, s.lines)
		return errors.New("not in the script")
	}
	s.unread = append(s.unread, s.lines[0].answer...)
	s.lines = s.lines[1:]
	return nil
}

// ReadUntil gives three bytes at most, to come back for more.
func (s *script) ReadUntil(p []byte, deadline time.Time) (int, error) {
	s.mu.Lock()
	n := copy(p[:3], s.unread)
	s.unread = s.unread[n:]
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		time.Sleep(time.Until(deadline))
		return 0, fmt.Errorf("fake: %w", os.ErrDeadlineExceeded)
	}
	return n, nil
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *script) vanish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = errors.New("input/output error")
}

// play runs a board of two channels on wires that are opened one after the other.
func play(t *testing.T, s Spec, test func(b *Board, one, two *Channel), wires ...*script) {
	s.Driver, s.Channels = "lcus", 2
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		p := NewPort(func() (Wire, error) {
			if opened == len(wires) {
				return nil, errors.New("no such port")
			}
			opened++
			wires[opened-1].t = t
			return wires[opened-1], nil
		}, PortOptions{})
		b, err := p.Add(s)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { p.Run(ctx); close(over) }()
		synctest.Wait()
		one, _ := b.Channel(1)
		two, _ := b.Channel(2)
		test(b, one, two)
		cancel()
		<-over
		for i, w := range wires {
			if len(w.lines) > 0 || i < opened && !w.closed {
				t.Errorf("wire %d: left over %+v, closed %t", i, w.lines, w.closed)
			}
		}
	})
}
