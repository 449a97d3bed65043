package serial

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ptyMajors are the device numbers of pseudo terminals, which sysfs does not
// list (Documentation/admin-guide/devices.txt: 136-143).
const (
	firstPtyMajor = 136
	lastPtyMajor  = 143
)

// Check tells whether path is a serial port, without opening it: opening one
// moves its DTR and RTS lines. Errors: fs.ErrNotExist, [ErrNotTTY].
func Check(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("port %s: %w", path, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("port %s: %w", path, err)
	}
	if info.Mode()&fs.ModeCharDevice == 0 {
		return fmt.Errorf("port %s: %w", path, ErrNotTTY)
	}
	var st unix.Stat_t
	if err := unix.Stat(real, &st); err != nil {
		return fmt.Errorf("port %s: %w", path, err)
	}
	major, minor := unix.Major(st.Rdev), unix.Minor(st.Rdev)
	if major >= firstPtyMajor && major <= lastPtyMajor {
		return nil
	}
	kind, err := os.Readlink(fmt.Sprintf("/sys/dev/char/%d:%d/subsystem", major, minor))
	if err == nil && filepath.Base(kind) != "tty" {
		return fmt.Errorf("port %s: %w", path, ErrNotTTY)
	}
	return nil
}
