package gpio

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"longarm/hw/clock"

	"github.com/warthog618/go-gpiocdev/uapi"
)

// lookEvery is how often a quiet input is looked at. It bounds the notice of a removed
// chip on kernels that do not wake its readers (before Linux 6.7), and is how often a
// chip that is away is looked for.
const lookEvery = 5 * time.Second

// eventSize is that of struct gpio_v2_line_event (include/uapi/linux/gpio.h).
const eventSize = 48

// watch tells edges until Close, over any number of removals and returns of the chip.
// gpiocdev's own watcher spins on a removed chip, or never tells.
func (in *Input) watch() {
	defer close(in.ended)
	var ended error  // why the last request did
	var away = false // Gone has been told
	for {
		f, closed := in.present()
		switch {
		case closed:
			return
		case f == nil:
			if !away {
				away, ended = true, cmp.Or(ended, ErrGone)
				in.tellGone(fmt.Errorf("watch line %q: %w", in.line, ended))
			}
			in.awaitChip()
			continue
		case away:
			away = false
			in.tellGone(nil)
		}
		if ended != nil {
			in.tellLevel(f)
		}
		ended = in.follow(f)
		in.drop(f)
	}
}

func (in *Input) present() (f *os.File, closed bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.f, in.closed
}

// follow reads events until it cannot, and says why. While nothing comes it looks whether
// the line is still there.
func (in *Input) follow(f *os.File) error {
	buf := make([]byte, 16*eventSize) // as many as the kernel keeps
	seq := uint32(0)
	for {
		n, err := 0, f.SetReadDeadline(time.Now().Add(lookEvery))
		if err == nil {
			n, err = f.Read(buf)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_, err = get(f)
		}
		if errors.Is(err, os.ErrClosed) {
			return ErrGone // Active noticed it, or it is Close and nobody asks
		}
		if err != nil {
			return gone(err)
		}
		for b := buf[:n]; len(b) >= eventSize; b = b[eventSize:] {
			seq = in.tellEdge(f, b, seq)
		}
	}
}

// tellEdge passes one event on and returns its number in the sequence of the line. The
// kernel keeps 16 events and drops the oldest: after a gap the level is read again.
func (in *Input) tellEdge(f *os.File, event []byte, seq uint32) uint32 {
	at := time.Duration(binary.NativeEndian.Uint64(event))
	active := uapi.LineEventID(binary.NativeEndian.Uint32(event[8:])) == uapi.LineEventRisingEdge // of the logical level
	now := binary.NativeEndian.Uint32(event[20:])
	if now != seq+1 {
		if level, err := get(f); err == nil {
			active = level
		}
	}
	in.o.Edge(active, at)
	return now
}

// tellLevel tells the level of a line that came back: nobody saw it move.
func (in *Input) tellLevel(f *os.File) {
	if active, err := get(f); err == nil {
		in.o.Edge(active, clock.Monotonic())
	}
}

func (in *Input) tellGone(err error) {
	if in.o.Gone != nil {
		in.o.Gone(err)
	}
}

// drop gives a request up that ended, unless Active or Close has done so.
func (in *Input) drop(f *os.File) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.f == f {
		in.release()
	}
}

// awaitChip waits, and then looks for the chip.
func (in *Input) awaitChip() {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-in.wake:
	case <-timer.C:
		_, _ = in.Active() // opens the line if the chip is back; if not, the next look tells
	}
}
