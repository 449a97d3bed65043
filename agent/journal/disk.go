package journal

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// disk is what the journal asks of the operating system; tests inject faults.
type disk interface {
	mkdir(dir string) error
	open(name string, flag int) (file, error)
	rename(from, to string) error
	remove(name string) error
	flock(f file) error
}

type file interface {
	io.Reader
	io.Writer
	Truncate(size int64) error
	Sync() error
	Close() error
	Stat() (os.FileInfo, error)
	Fd() uintptr
}

// osDisk is the real one. Files are for the owner only: calls may carry secrets.
type osDisk struct{}

func (osDisk) mkdir(dir string) error { return os.MkdirAll(dir, 0o700) }

func (osDisk) open(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err // a nil *os.File must not become a non-nil file
	}
	return f, nil
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(name string) error { return os.Remove(name) }

// flock takes the lock of flock(2) without waiting; unix.EWOULDBLOCK: held.
func (osDisk) flock(f file) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// syncDir makes a rename durable. A filesystem that cannot sync folders
// (EINVAL, fsync(2)) has nothing to make durable.
func syncDir(d disk, dir string) error {
	f, err := d.open(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
