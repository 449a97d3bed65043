package gpio

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/warthog618/go-gpiocdev/uapi"
)

const bit = uapi.LineBitmap(1) // the only line of our requests

// OutputOptions says how an output starts.
type OutputOptions struct {
	Consumer  string   // shown by gpioinfo as the line's owner; at most 31 bytes are kept
	ActiveLow bool     // active is the low level
	Keep      bool     // adopt the present level: of Stored, else of a line that is an output now
	Fresh     bool     // logical level to drive when nothing is adopted
	Stored    *os.File // from systemd's descriptor store under Info.StoreName, or nil; taken over, also on error
}

// Output is one requested output line. Its methods are safe for concurrent use.
type Output struct {
	info    Info
	adopted bool
	fault   error

	mu sync.Mutex
	f  *os.File // the request; nil once closed
}

// OpenOutput requests a line as output, chip and line as in Describe. It causes no edge
// when it adopts: a stored descriptor keeps its level, and so does a line that already is
// an output (asked as-is) and is free. Any other line is driven to Fresh in the same
// call that makes it an output. The caller closes the Output.
//
// A stored descriptor that is not a request for this very line is closed and the line
// requested afresh; StoredFault says so. Errors: *BusyError, ErrNotFound, ErrAmbiguous, ErrKernel.
func OpenOutput(chip, line string, o OutputOptions) (*Output, error) {
	info, err := Describe(chip, line)
	if err != nil {
		closeStored(o.Stored)
		return nil, err
	}
	out := &Output{info: info}
	if o.Stored != nil {
		if out.fault = out.take(o); out.fault == nil {
			return out, nil
		}
		closeStored(o.Stored)
	}
	if info.Used {
		return nil, errors.Join(&BusyError{Line: info.String(), Owner: info.Consumer}, out.fault)
	}
	if err := out.request(o); err != nil {
		return nil, errors.Join(err, out.fault)
	}
	return out, nil
}

// request asks the kernel for the line: as-is first when its level is to be kept.
func (out *Output) request(o OutputOptions) error {
	keep := o.Keep && out.info.Direction == "output"
	cfg := outputConfig(o.ActiveLow, o.Fresh)
	if keep {
		cfg = uapi.LineConfig{}
		if o.ActiveLow {
			cfg.Flags = uapi.LineFlagV2ActiveLow
		}
	}
	fd, err := requestLine(out.info, o.Consumer, cfg)
	if err != nil {
		return err
	}
	f := os.NewFile(fd, out.info.StoreName())
	if keep {
		out.adopted, err = out.driveAsFound(f, o)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("drive %s: %w", out.info, gone(err)), f.Close())
	}
	out.f = f
	return nil
}

// driveAsFound turns an as-is request into an output at the level that the line has. A
// line that turns out to be an input is driven to Fresh. So is one whose level cannot be
// read: it cannot be kept, and that is told.
func (out *Output) driveAsFound(f *os.File, o OutputOptions) (kept bool, err error) {
	// Drivers that make a released line an input again (pinctrl-bcm2835) do not tell the
	// kernel, which asks them at a request: only now its word on the direction is good.
	now, err := entry{path: out.info.Chip, label: out.info.Label}.describe(out.info.Offset)
	if err != nil {
		return false, err
	}
	if out.info.Direction = now.Direction; now.Direction != "output" {
		return false, configure(f, outputConfig(o.ActiveLow, o.Fresh))
	}
	level, unread := get(f)
	if unread != nil {
		out.fault = errors.Join(out.fault, fmt.Errorf("read %s to keep its level: %w", out.info, unread))
		level = o.Fresh
	}
	return unread == nil, configure(f, outputConfig(o.ActiveLow, level))
}

// Set drives the line and reads it back. The proof is "readback" when the line shows the
// level, "sent" when the chip cannot be read; a line that shows the other level is an
// error. why is for traces and is not used here. It takes microseconds on a chip of the
// processor, milliseconds on one behind I²C or USB. ErrGone: the chip was removed.
func (out *Output) Set(active bool, why string) (proof string, err error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.f == nil {
		return "", fmt.Errorf("set %s: %w", out.info, os.ErrClosed)
	}
	if err := set(out.f, active); err != nil {
		return "", fmt.Errorf("set %s: %w", out.info, gone(err))
	}
	got := !active
	for range 3 { // a line with a capacitor needs a moment
		if got, err = get(out.f); err != nil {
			return "sent", nil // some chips cannot read an output
		}
		if got == active {
			return "readback", nil
		}
	}
	return "sent", fmt.Errorf("set %s: driven %s but reads %s", out.info, word(active), word(got))
}

// Active reads the line's logical level. known is false when the chip cannot tell.
func (out *Output) Active() (active, known bool, err error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.f == nil {
		return false, false, fmt.Errorf("read %s: %w", out.info, os.ErrClosed)
	}
	if active, err = get(out.f); err != nil {
		return false, false, fmt.Errorf("read %s: %w", out.info, gone(err))
	}
	return active, true, nil
}

// Adopted reports whether the line kept the level that it had before OpenOutput.
func (out *Output) Adopted() bool { return out.adopted }

// StoredFault tells why a stored descriptor, or the level as found, was not taken over;
// nil when nothing is wrong. The caller logs it and removes the name from the store.
func (out *Output) StoredFault() error { return out.fault }

// Info tells which line this is, as it stood before the request.
func (out *Output) Info() Info { return out.info }

// StoreName is Info.StoreName of this line.
func (out *Output) StoreName() string { return out.info.StoreName() }

// File is the request descriptor, for the descriptor store. It stays the Output's: the
// caller does not close it. It is nil once the Output is closed.
func (out *Output) File() *os.File {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.f
}

// Close gives up our descriptor. If systemd's store holds it too, the line stays driven;
// if not, its level becomes the driver's choice. A second Close is nil.
func (out *Output) Close() error {
	out.mu.Lock()
	defer out.mu.Unlock()
	f := out.f
	out.f = nil
	if f == nil {
		return nil
	}
	return f.Close()
}

func outputConfig(activeLow, active bool) uapi.LineConfig {
	cfg := uapi.LineConfig{Flags: uapi.LineFlagV2Output}
	if activeLow {
		cfg.Flags |= uapi.LineFlagV2ActiveLow
	}
	v := uapi.OutputValues(0)
	if active {
		v = uapi.OutputValues(bit)
	}
	cfg.AddAttribute(uapi.LineConfigAttribute{Attr: v.Encode(), Mask: bit})
	return cfg
}

func word(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}
