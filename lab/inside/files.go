package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"longarm/lab/wire"
)

// create makes a file anew, its folders too. The old one is removed and not written over: a
// program may be running from it.
func create(path string, mode os.FileMode) (*os.File, error) {
	if err := makeWay(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode); err != nil { // whatever the umask
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func makeWay(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func relink(target, path string) error {
	if err := makeWay(path); err != nil {
		return err
	}
	return os.Symlink(target, path)
}

func copyFile(src, dst string, mode os.FileMode) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := create(dst, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// putPart writes a file or, after its first part, adds to it.
func putPart(q wire.Request) error {
	open := func() (*os.File, error) { return create(q.Path, os.FileMode(q.Mode)) }
	if q.More {
		open = func() (*os.File, error) { return os.OpenFile(q.Path, os.O_WRONLY|os.O_APPEND, 0) }
	}
	f, err := open()
	if err != nil {
		return err
	}
	_, err = f.Write(q.Data)
	return errors.Join(err, f.Close())
}

// getFile sends a file in parts, however long it says that it is: the kernel's say 0.
func (s *server) getFile(q wire.Request) error {
	f, err := os.Open(q.Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	_, err = io.CopyBuffer(part{s, q.ID, wire.Data}, struct{ io.Reader }{f}, make([]byte, most))
	return err
}

// mountShare mounts the folder that the host shares.
func mountShare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return unix.Mount("lab", dir, "9p", 0, "trans=virtio,version=9p2000.L,msize=524288")
}
