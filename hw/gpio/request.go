package gpio

import (
	"errors"
	"fmt"
	"os"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
)

// requestLine asks the kernel for one line and returns the request's descriptor, which is
// closed on exec and blocks. The caller closes it.
func requestLine(info Info, consumer string, cfg uapi.LineConfig) (uintptr, error) {
	c, err := os.Open(info.Chip)
	if err != nil {
		return 0, fmt.Errorf("open chip %s: %w", info.Label, err)
	}
	defer c.Close()
	r := uapi.LineRequest{Lines: 1, Config: cfg}
	r.Offsets[0] = uint32(info.Offset)
	copy(r.Consumer[:len(r.Consumer)-1], consumer)
	err = uapi.GetLine(c.Fd(), &r)
	if errors.Is(err, unix.EBUSY) { // taken since we asked
		now, _ := entry{path: info.Chip, label: info.Label}.describe(info.Offset) // without it: no name
		return 0, &BusyError{Line: info.String(), Owner: now.Consumer}
	}
	if err != nil {
		return 0, fmt.Errorf("request %s: %w", info, gone(err))
	}
	return uintptr(r.Fd), nil
}

// The three operations on a request descriptor, each kept safe against a concurrent close.

func get(f *os.File) (active bool, err error) {
	v := uapi.LineValues{Mask: bit}
	err = on(f, func(fd uintptr) error { return uapi.GetLineValuesV2(fd, &v) })
	return v.Get(0) == 1, err
}

func set(f *os.File, active bool) error {
	v := uapi.LineValues{Mask: bit}
	if active {
		v.Bits = bit
	}
	return on(f, func(fd uintptr) error { return uapi.SetLineValuesV2(fd, v) })
}

func configure(f *os.File, cfg uapi.LineConfig) error {
	return on(f, func(fd uintptr) error { return uapi.SetLineConfigV2(fd, &cfg) })
}

func on(f *os.File, do func(fd uintptr) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var ioctl error
	if err := c.Control(func(fd uintptr) { ioctl = do(fd) }); err != nil {
		return err
	}
	return ioctl
}

func closeStored(f *os.File) {
	if f != nil {
		_ = f.Close() // not ours after all: nothing to lose
	}
}
