package gpio

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/warthog618/go-gpiocdev/uapi"
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
	// CLOCK_MONOTONIC (clock.Monotonic), and the level once a removed chip is back. It runs
	// on the input's own goroutine, perhaps before OpenInput returns, must return at once,
	// and must not call Close. nil = no edges, and nobody watches the chip.
	Edge func(active bool, at time.Duration)
	// Gone is told why when the chip was removed, within 5 s (at once from Linux 6.7 on), and
	// nil when the line is back, before its level goes to Edge. As Edge; nil = not told.
	Gone func(err error)
}

// Input is one requested input line, a request of its own so that no other line's edges
// queue before its own. Its methods are safe for concurrent use.
type Input struct {
	chip, line string
	o          InputOptions
	wake       chan struct{} // cap 1: the request is another one, or Close
	ended      chan struct{} // closed when the watcher has ended; nil: none was started

	mu     sync.Mutex
	f      *os.File // the request; nil: lost with its chip, or closed
	info   Info
	closed bool
}

// OpenInput requests a line as input, chip and line as in Describe. The caller reads
// Active afterwards: an edge may have passed while the line was being armed, and the level
// is the truth. The caller closes the Input, which waits for the goroutine that was started
// here. Errors: as OpenOutput.
func OpenInput(chip, line string, o InputOptions) (*Input, error) {
	in := &Input{chip: chip, line: line, o: o, wake: make(chan struct{}, 1)}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.open(); err != nil {
		return nil, err
	}
	if o.Edge != nil {
		in.ended = make(chan struct{})
		go in.watch()
	}
	return in, nil
}

func (in *Input) open() error {
	cfg, err := in.config()
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
	fd, err := requestLine(info, in.o.Consumer, cfg)
	if err != nil {
		return err
	}
	// Not blocking, so that a read waits in the runtime's poller, without a thread, and
	// can be given a deadline.
	err = unix.SetNonblock(int(fd), true)
	f := os.NewFile(fd, info.StoreName())
	if err == nil {
		err = f.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("watch %s: %w", info, err), f.Close())
	}
	in.f, in.info = f, info
	in.nudge()
	return nil
}

func (in *Input) config() (cfg uapi.LineConfig, err error) {
	cfg.Flags = uapi.LineFlagV2Input
	switch in.o.Bias {
	case "", "as-is":
	case "pull-up":
		cfg.Flags |= uapi.LineFlagV2BiasPullUp
	case "pull-down":
		cfg.Flags |= uapi.LineFlagV2BiasPullDown
	case "disabled":
		cfg.Flags |= uapi.LineFlagV2BiasDisabled
	default:
		return cfg, fmt.Errorf("bias %q: want as-is, pull-up, pull-down or disabled", in.o.Bias)
	}
	if in.o.Debounce < 0 || in.o.Debounce > maxDebounce {
		return cfg, fmt.Errorf("debounce %v: want 0 to %v", in.o.Debounce, maxDebounce)
	}
	if in.o.ActiveLow {
		cfg.Flags |= uapi.LineFlagV2ActiveLow
	}
	if in.o.Debounce > 0 {
		cfg.AddAttribute(uapi.LineConfigAttribute{Attr: uapi.DebouncePeriod(in.o.Debounce).Encode(), Mask: bit})
	}
	if in.o.Edge != nil {
		cfg.Flags |= uapi.LineFlagV2EdgeRising | uapi.LineFlagV2EdgeFalling
	}
	return cfg, nil
}

// Active reads the line's logical level, debounced if the line is. A removed chip is
// released here and looked for again at each call; without Edge nothing else notices it.
// While it is away the error is ErrGone or ErrNotFound.
func (in *Input) Active() (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false, fmt.Errorf("read line %q: %w", in.line, os.ErrClosed)
	}
	for range 2 {
		if in.f == nil {
			if err := in.open(); err != nil {
				return false, err
			}
		}
		active, err := get(in.f)
		if err == nil {
			return active, nil
		}
		if !errors.Is(err, unix.ENODEV) {
			return false, fmt.Errorf("read %s: %w", in.info, err)
		}
		in.release()
	}
	return false, fmt.Errorf("read %s: %w", in.info, ErrGone)
}

// release gives up a request whose chip is gone; the watcher's read ends. in.mu is held.
func (in *Input) release() {
	_ = in.f.Close() // the chip is gone: nothing to lose
	in.f = nil
	in.nudge()
}

// nudge wakes the watcher, if it waits for a chip.
func (in *Input) nudge() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Info tells which line this is, as it stood before the request.
func (in *Input) Info() Info {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.info
}

// Close releases the line and returns when a running Edge or Gone call has; it must not be
// called from them. A second Close is nil.
func (in *Input) Close() (err error) {
	in.mu.Lock()
	in.closed = true
	if in.f != nil {
		err = in.f.Close()
		in.f = nil
	}
	in.nudge()
	in.mu.Unlock()
	if in.ended != nil {
		<-in.ended
	}
	return err
}
