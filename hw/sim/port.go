package sim

import (
	"os"
	"sync"
	"time"
)

// Port is a stand-in for a serial device: it answers everything that it is sent
// with the same bytes, or with nothing.
type Port struct {
	reply []byte

	mu   sync.Mutex
	out  []byte
	came chan struct{} // cap 1: there may be bytes
}

// Port makes a stand-in that answers with reply; empty: it never answers.
func (m *Machine) Port(reply []byte) *Port {
	return &Port{reply: reply, came: make(chan struct{}, 1)}
}

// Flush drops what was answered and not read.
func (p *Port) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = nil
	return nil
}

// Write sends the device bytes.
func (p *Port) Write([]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, p.reply...)
	select {
	case p.came <- struct{}{}:
	default: // one waits already
	}
	return nil
}

// ReadUntil waits for bytes, as a real port does: os.ErrDeadlineExceeded when
// none came by the deadline.
func (p *Port) ReadUntil(b []byte, deadline time.Time) (int, error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		p.mu.Lock()
		n := copy(b, p.out)
		p.out = p.out[n:]
		p.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-p.came:
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Close does nothing.
func (p *Port) Close() error { return nil }
