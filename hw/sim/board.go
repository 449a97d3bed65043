package sim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Board is a stand-in for a serial relay board: it takes the family's bytes and answers
// with the family's bytes. It starts with all relays inactive, as a board after power-up. It
// is used directly as a Wire, or behind a real port with Serve; not both.
type Board struct {
	mu      sync.Mutex
	active  []bool
	changed func(channel int, active bool)
	in, out []byte
}

// NewBoard makes a stand-in of a family: only "lcus", with 1 to 8 channels.
func NewBoard(driver string, channels int) (*Board, error) {
	if driver != "lcus" {
		return nil, fmt.Errorf("simulated board %q: want lcus", driver)
	}
	if channels < 1 || channels > 8 {
		return nil, fmt.Errorf("simulated board: channels %d: want 1 to 8", channels)
	}
	return &Board{active: make([]bool, channels)}, nil
}

// ServeBoard puts an LCUS stand-in behind rw, for example the master of a pty, until
// reading ends. io.EOF is not an error; a closed pty's read error is given as it is.
func ServeBoard(rw io.ReadWriter, channels int) error {
	b, err := NewBoard("lcus", channels)
	if err != nil {
		return err
	}
	return b.Serve(rw)
}

// Watch has f told each change of a relay, channels counting from 1. f must not call the
// Board. Call it before the Board is used.
func (b *Board) Watch(f func(channel int, active bool)) { b.changed = f }

// Active is the relay's position; channels count from 1.
func (b *Board) Active(channel int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return channel >= 1 && channel <= len(b.active) && b.active[channel-1]
}

// Serve answers what is read from rw until reading or writing fails.
func (b *Board) Serve(rw io.ReadWriter) error {
	buf := make([]byte, 64)
	for {
		n, err := rw.Read(buf)
		if reply := b.answer(buf[:n]); len(reply) > 0 {
			if _, err := rw.Write(reply); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Flush drops what was answered and not read.
func (b *Board) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = nil
	return nil
}

// Write gives the board bytes.
func (b *Board) Write(p []byte) error {
	a := b.answer(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = append(b.out, a...)
	return nil
}

// ReadUntil takes from the board's answer. It never waits, for the board speaks only when
// written to: with nothing there it is os.ErrDeadlineExceeded at once.
func (b *Board) ReadUntil(p []byte, _ time.Time) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.out) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// Close does nothing.
func (b *Board) Close() error { return nil }

// answer eats bytes as an LCUS board does (hardware.md 1.1): A0 channel op sum moves a relay
// and says nothing; FF alone asks for the states; anything else is noise.
func (b *Board) answer(p []byte) (reply []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in = append(b.in, p...)
	for len(b.in) > 0 {
		switch {
		case b.in[0] == 0xFF:
			reply = append(reply, b.states()...)
		case b.in[0] == 0xA0 && len(b.in) < 4:
			return reply // the rest is to come
		case b.in[0] == 0xA0 && b.in[3] == b.in[0]+b.in[1]+b.in[2]:
			b.set(int(b.in[1]), b.in[2])
			b.in = b.in[4:]
			continue
		}
		b.in = b.in[1:]
	}
	return reply
}

func (b *Board) set(channel int, op byte) {
	if channel < 1 || channel > len(b.active) || op > 1 || b.active[channel-1] == (op == 1) {
		return
	}
	b.active[channel-1] = op == 1
	if b.changed != nil {
		b.changed(channel, op == 1)
	}
}

// states is one line of 10 bytes a channel: "CH1: ON \r\n", "CH2: OFF\r\n".
func (b *Board) states() string {
	var s strings.Builder
	for i, on := range b.active {
		word := "OFF"
		if on {
			word = "ON "
		}
		fmt.Fprintf(&s, "CH%d: %s\r\n", i+1, word)
	}
	return s.String()
}
