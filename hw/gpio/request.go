package gpio

import (
	"os"

	"github.com/warthog618/go-gpiocdev/uapi"
)

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
