package gpio

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"
)

// maxDebounce is far above any contact and far below the kernel's 32-bit microseconds.
const maxDebounce = time.Minute

// InputOptions says how a line is listened to.
type InputOptions struct {
	Consumer  string        // shown by gpioinfo as the line's owner; at most 31 bytes are kept
	ActiveLow bool          // active is the low level
	Bias      string        // "" or "as-is", "pull-up", "pull-down", "disabled"
	Debounce  time.Duration // 0 to 1 min, in whole microseconds; 0 = none; applies to levels and edges
	// Edge is told each edge: the logical level after it and when the kernel saw it, on
	// CLOCK_MONOTONIC (clock.Monotonic). It runs on the line's own goroutine, perhaps before
	// OpenInput returns, must return at once, and must not call the Input. nil = no edges.
	Edge func(active bool, at time.Duration)
}

// Input is one requested input line, a request of its own so that no other line's edges
// queue before its own. Its methods are safe for concurrent use.
type Input struct {
	chip, line string
	o          InputOptions

	mu     sync.Mutex
	req    *gpiocdev.Line // nil: lost with its chip, or closed
	info   Info
	closed bool
}

// OpenInput requests a line as input, chip and line as in Describe. The caller reads
// Active afterwards: an edge may have passed while the line was being armed, and the level
// is the truth. The caller closes the Input. Errors: as OpenOutput.
func OpenInput(chip, line string, o InputOptions) (*Input, error) {
	in := &Input{chip: chip, line: line, o: o}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.open(); err != nil {
		return nil, err
	}
	return in, nil
}

func (in *Input) open() error {
	opts, err := in.options()
	if err != nil {
		return fmt.Errorf("input line %q: %w", in.line, err)
	}
	info, err := Describe(in.chip, in.line)
	if err != nil {
		return err
	}
	if info.Used {
		return &BusyError{Line: info.String(), Owner: info.Consumer}
	}
	req, err := gpiocdev.RequestLine(info.Chip, info.Offset, opts...)
	if errors.Is(err, unix.EBUSY) { // taken since we asked
		now, _ := entry{path: info.Chip, label: info.Label}.describe(info.Offset) // without it: no name
		return &BusyError{Line: info.String(), Owner: now.Consumer}
	}
	if err != nil {
		return fmt.Errorf("request %s: %w", info, gone(err))
	}
	in.req, in.info = req, info
	return nil
}

func (in *Input) options() ([]gpiocdev.LineReqOption, error) {
	opts := []gpiocdev.LineReqOption{gpiocdev.WithConsumer(in.o.Consumer), gpiocdev.AsInput}
	switch in.o.Bias {
	case "", "as-is":
	case "pull-up":
		opts = append(opts, gpiocdev.WithPullUp)
	case "pull-down":
		opts = append(opts, gpiocdev.WithPullDown)
	case "disabled":
		opts = append(opts, gpiocdev.WithBiasDisabled)
	default:
		return nil, fmt.Errorf("bias %q: want as-is, pull-up, pull-down or disabled", in.o.Bias)
	}
	if in.o.Debounce < 0 || in.o.Debounce > maxDebounce {
		return nil, fmt.Errorf("debounce %v: want 0 to %v", in.o.Debounce, maxDebounce)
	}
	if in.o.ActiveLow {
		opts = append(opts, gpiocdev.AsActiveLow)
	}
	if in.o.Debounce > 0 {
		opts = append(opts, gpiocdev.WithDebounce(in.o.Debounce))
	}
	if in.o.Edge != nil {
		opts = append(opts, gpiocdev.WithBothEdges, gpiocdev.WithEventHandler(in.handler()))
	}
	return opts, nil
}

// handler passes edges on. The kernel keeps 16 events and drops the oldest: a gap in the
// sequence means that the level must be read again.
func (in *Input) handler() func(gpiocdev.LineEvent) {
	last := uint32(0)
	return func(e gpiocdev.LineEvent) {
		active := e.Type == gpiocdev.LineEventRisingEdge // of the logical level
		if e.LineSeqno != last+1 {
			active = in.reread(active)
		}
		last = e.LineSeqno
		in.o.Edge(active, e.Timestamp)
	}
}

// reread must not wait for the lock: Close holds it while it waits for the handler, and
// gpiocdev's own lock likewise.
func (in *Input) reread(otherwise bool) bool {
	if !in.mu.TryLock() {
		return otherwise
	}
	defer in.mu.Unlock()
	if in.req == nil {
		return otherwise
	}
	v, err := in.req.Value()
	if err != nil {
		return otherwise
	}
	return v == 1
}

// Active reads the line's logical level, debounced if the line is. Call it at each
// heartbeat also where only edges matter: a removed chip is noticed by nothing else, it is
// released here (until then gpiocdev's goroutine spins on it) and looked for again at each
// call. While it is away the error is ErrGone or ErrNotFound.
func (in *Input) Active() (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false, fmt.Errorf("read line %q: %w", in.line, os.ErrClosed)
	}
	for range 2 {
		if in.req == nil {
			if err := in.open(); err != nil {
				return false, err
			}
		}
		v, err := in.req.Value()
		if err == nil {
			return v == 1, nil
		}
		if !errors.Is(err, unix.ENODEV) {
			return false, fmt.Errorf("read %s: %w", in.info, err)
		}
		_ = in.req.Close() // the chip is gone; Close ends the spinning goroutine
		in.req = nil
	}
	return false, fmt.Errorf("read %s: %w", in.info, ErrGone)
}

// Info tells which line this is, as it stood before the request.
func (in *Input) Info() Info {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.info
}

// Close releases the line after a running Edge call has returned. It must not be called
// from Edge. A second Close is nil.
func (in *Input) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	req := in.req
	in.req = nil
	if req == nil {
		return nil
	}
	return req.Close()
}
