// Package serial opens one serial port and moves bytes with deadlines. It wraps
// go.bug.st/serial so that a read that times out is an error, a write cannot hang and
// nothing reaches a descriptor after Close. It never sends a byte on its own, never sets DTR
// or RTS, and never looks for ports.
package serial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

const (
	defaultBaud = 9600
	chunk       = 4096                   // the longest single write
	slice       = 100 * time.Millisecond // the longest that Close waits for a read
	writeLimit  = 2 * time.Second        // for one Write beyond the time its bytes take on the line
)

// Options is the line's mode: 8 data bits and 1 stop bit always, no flow control.
type Options struct {
	Baud   int    // bits per second; 0 = 9600
	Parity string // "" or "none", "even", "odd"
}

// Port is one open serial port. Reads, writes and Close may come from different
// goroutines; one read and one write run at a time.
type Port struct {
	path   string
	p      serial.Port
	lock   *os.File      // a second descriptor of ours: it carries the lock
	fd     int           // the library's descriptor, valid while not closed
	limit  time.Duration // what Write allows beyond the line time
	baud   int
	closed atomic.Bool

	rmu sync.Mutex // held during a read of at most slice, and to close
	wmu sync.Mutex // held during a write, and to close
}

// Open opens the terminal at path; symbolic links such as /dev/serial/by-path are
// followed, and so are found again after a re-plug. It sends nothing. Opening raises DTR and
// RTS, as every opening of a terminal on Linux does; closing does not drop them (HUPCL is
// cleared). The caller closes the Port. Errors: os.ErrNotExist, os.ErrPermission, ErrNotTTY,
// *BusyError.
func Open(path string, o Options) (*Port, error) {
	mode, err := o.mode()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("open serial port: %w", err)
	}
	lock, err := claim(real)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	p, fd, err := openBehind(lock, real, mode)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), lock.Close())
	}
	return &Port{path: path, p: p, lock: lock, fd: fd, limit: writeLimit, baud: mode.BaudRate}, nil
}

func (o Options) mode() (*serial.Mode, error) {
	m := &serial.Mode{BaudRate: o.Baud, DataBits: 8, StopBits: serial.OneStopBit}
	if m.BaudRate == 0 {
		m.BaudRate = defaultBaud
	}
	if m.BaudRate < 50 || m.BaudRate > 4_000_000 {
		return nil, fmt.Errorf("baud %d: want 50 to 4000000", o.Baud)
	}
	switch o.Parity {
	case "", "none":
		m.Parity = serial.NoParity
	case "even":
		m.Parity = serial.EvenParity
	case "odd":
		m.Parity = serial.OddParity
	default:
		return nil, fmt.Errorf("parity %q: want none, even or odd", o.Parity)
	}
	return m, nil
}

// Flush throws away what came in and was not read yet.
func (p *Port) Flush() error {
	p.rmu.Lock()
	defer p.rmu.Unlock()
	if p.closed.Load() {
		return p.gone("flush")
	}
	if err := p.p.ResetInputBuffer(); err != nil {
		return fmt.Errorf("flush %s: %w", p.path, err)
	}
	return nil
}

// Write hands all of b to the kernel, or says why not: os.ErrDeadlineExceeded when the port
// takes nothing for 2 s beyond the time that b takes at this baud rate, after which an
// unknown part of b is on its way and the rest is dropped; os.ErrClosed after Close. It does
// not wait until the bytes are on the line.
func (p *Port) Write(b []byte) error {
	p.wmu.Lock()
	defer p.wmu.Unlock()
	line := time.Duration(len(b)) * 11 * time.Second / time.Duration(p.baud) // start, 8, parity, stop
	deadline := time.Now().Add(line + p.limit)
	for len(b) > 0 {
		if p.closed.Load() {
			return p.gone("write to")
		}
		n, err := p.p.Write(b[:min(len(b), chunk)]) // the descriptor is non-blocking
		b = b[n:]
		switch {
		case errors.Is(err, unix.EAGAIN), err == nil && n == 0:
			if err := p.waitRoom(deadline); err != nil {
				return err
			}
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("write to %s: %w", p.path, err)
		}
	}
	return nil
}

// waitRoom waits until the kernel takes bytes again, in slices so that Close is noticed.
func (p *Port) waitRoom(deadline time.Time) error {
	left := time.Until(deadline)
	if left <= 0 {
		_ = p.p.ResetOutputBuffer() // best effort: half a command must not trickle out later
		return fmt.Errorf("write to %s: %w", p.path, os.ErrDeadlineExceeded)
	}
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLOUT}}
	_, err := unix.Poll(fds, int(min(left, slice).Milliseconds())+1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("write to %s: %w", p.path, err)
	}
	return nil
}

// ReadUntil waits for bytes until deadline and returns as soon as there are some, n ≥ 1.
// When none came the error is os.ErrDeadlineExceeded with n = 0; a deadline that is over
// still takes what is there. os.ErrClosed after Close; any other error means that the port
// is gone and must be opened anew.
func (p *Port) ReadUntil(b []byte, deadline time.Time) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		left := max(time.Until(deadline), 0)
		n, err := p.readSlice(b, min(left, slice))
		switch {
		case err != nil:
			return 0, err
		case n > 0:
			return n, nil
		case left <= slice && time.Until(deadline) <= 0:
			return 0, fmt.Errorf("read from %s: %w", p.path, os.ErrDeadlineExceeded)
		}
	}
}

// readSlice is one bounded read of the library, 0 and nil when nothing came.
func (p *Port) readSlice(b []byte, limit time.Duration) (int, error) {
	p.rmu.Lock()
	defer p.rmu.Unlock()
	if p.closed.Load() {
		return 0, p.gone("read from")
	}
	if err := p.p.SetReadTimeout(limit); err != nil {
		return 0, fmt.Errorf("read from %s: %w", p.path, err)
	}
	n, err := p.p.Read(b)
	if pe, ok := errors.AsType[*serial.PortError](err); ok && pe.Code() == serial.PortClosed {
		return 0, fmt.Errorf("read from %s: %w", p.path, ErrUnplugged)
	}
	if errors.Is(err, unix.EAGAIN) {
		return 0, nil // another reader was faster
	}
	if err != nil {
		return 0, fmt.Errorf("read from %s: %w", p.path, err)
	}
	return n, nil
}

// Close ends the port. It waits at most 100 ms for a read or write that is under way, which
// then ends with os.ErrClosed. Bytes that the kernel took but did not send yet are sent if
// the line takes them. A second Close is nil.
func (p *Port) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	p.rmu.Lock()
	defer p.rmu.Unlock()
	p.wmu.Lock()
	defer p.wmu.Unlock()
	if err := errors.Join(p.p.Close(), p.lock.Close()); err != nil {
		return fmt.Errorf("close %s: %w", p.path, err)
	}
	return nil
}

func (p *Port) gone(what string) error {
	return fmt.Errorf("%s %s: %w", what, p.path, os.ErrClosed)
}
