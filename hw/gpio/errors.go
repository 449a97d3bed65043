package gpio

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var (
	// ErrBusy means that another request holds the line; errors.As to *BusyError tells
	// whose. Remedy: stop the owner, or take the line out of its configuration.
	ErrBusy = errors.New("line is in use")
	// ErrNotFound means that no chip or line matches. Remedy: gpioinfo shows what exists.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous means that several lines match. Remedy: name the chip label and offset.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrKernel means that the kernel speaks only version 1 of the GPIO interface.
	ErrKernel = errors.New("the kernel's GPIO interface is version 1; version 2 (Linux 5.10 or later) is needed")
	// ErrGone means that the chip was removed under an open line (USB expander unplugged,
	// driver unbound).
	ErrGone = errors.New("chip was removed")
)

// BusyError says who holds a line. It is an ErrBusy.
type BusyError struct {
	Line  string // as Info.String writes it
	Owner string // the consumer name that the owner gave the kernel; empty when it gave none
}

func (e *BusyError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("%s is in use by the kernel or an unnamed process", e.Line)
	}
	return fmt.Sprintf("%s is in use by %q", e.Line, e.Owner)
}

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// gone turns the errno of a removed chip into ErrGone.
func gone(err error) error {
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}
