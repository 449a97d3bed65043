package serial

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

var (
	// ErrNotTTY means that the path is something else than a serial port.
	ErrNotTTY = errors.New("not a serial port (no terminal)")
	// ErrBusy means that another process holds the port; errors.As to *BusyError tells whose.
	ErrBusy = errors.New("port is in use")
	// ErrUnplugged means that the device behind the port went away.
	ErrUnplugged = errors.New("device was unplugged")

	errPermission = fmt.Errorf("%w: is this user in the group of the device (dialout)?", os.ErrPermission)
)

// BusyError says who holds a port. It is an ErrBusy.
type BusyError struct {
	Owner string // name and number of the process; empty when the kernel does not say
}

func (e *BusyError) Error() string {
	if e.Owner == "" {
		return "port is in use by another process"
	}
	return "port is in use by " + e.Owner
}

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// maxFD leaves room below the 1,024 descriptors of select(2), beyond which the library panics.
const maxFD = 1000

// claim opens a descriptor of our own, sees that it is a terminal and locks it: the
// library's TIOCEXCL does not hold root back, flock does hold other Longarm processes back.
func claim(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, &BusyError{}
	}
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENXIO) {
		return nil, ErrNotTTY
	}
	if errors.Is(err, unix.EACCES) {
		return nil, errPermission
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		return nil, errors.Join(ErrNotTTY, f.Close())
	}
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(&BusyError{Owner: owner(fd)}, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	return f, nil
}

// openBehind lets the library open the port while we hold it, finds the library's
// descriptor and mends what the library leaves: close-on-exec, and writes that block for ever.
func openBehind(lock *os.File, path string, mode *serial.Mode) (serial.Port, int, error) {
	p, err := serial.Open(path, mode)
	if err != nil {
		return nil, 0, translate(err)
	}
	fd, err := twin(int(lock.Fd()))
	if err == nil && fd >= maxFD {
		err = fmt.Errorf("descriptor %d: this process has too many open files for a serial port", fd)
	}
	if err == nil {
		err = mend(fd)
	}
	if err != nil {
		return nil, 0, errors.Join(err, p.Close())
	}
	return p, fd, nil
}

func mend(fd int) error {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("set non-blocking: %w", err)
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read terminal settings: %w", err)
	}
	t.Cflag &^= unix.HUPCL // closing would drop DTR, which resets some boards
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return fmt.Errorf("write terminal settings: %w", err)
	}
	return nil
}

// twin finds the other descriptor of this process that is open on lock's device. The lock
// is held, so it can only be the library's. The library itself does not tell it.
func twin(lock int) (int, error) {
	var want unix.Stat_t
	if err := unix.Fstat(lock, &want); err != nil {
		return 0, err
	}
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, fmt.Errorf("find own descriptor: %w", err)
	}
	for _, e := range dir {
		fd, err := strconv.Atoi(e.Name())
		var st unix.Stat_t
		if err != nil || fd == lock || unix.Fstat(fd, &st) != nil {
			continue
		}
		if st.Dev == want.Dev && st.Ino == want.Ino {
			return fd, nil
		}
	}
	return 0, errors.New("find own descriptor: not in /proc/self/fd")
}

// owner finds in /proc/locks who holds the flock of the file behind fd.
func owner(fd int) string {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return ""
	}
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) < 6 || f[1] != "FLOCK" || f[5] != want {
			continue
		}
		comm, _ := os.ReadFile("/proc/" + f[4] + "/comm") // without it: the number alone
		return strings.TrimSpace(strings.TrimSpace(string(comm)) + " (process " + f[4] + ")")
	}
	return ""
}

// translate turns the library's codes into our errors.
func translate(err error) error {
	pe, ok := errors.AsType[*serial.PortError](err)
	if !ok {
		return err
	}
	switch pe.Code() {
	case serial.PortBusy:
		return &BusyError{}
	case serial.PermissionDenied:
		return errPermission
	case serial.InvalidSerialPort:
		return errors.Join(ErrNotTTY, err)
	}
	return err
}
