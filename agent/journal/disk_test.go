package journal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// memDisk is a disk in memory that knows what a power cut would leave, fails
// when told to, and complains when a failed file is used again.
type memDisk struct {
	t      testing.TB
	mu     sync.Mutex
	names  map[string]*inode
	synced map[string]*inode // names after the last fsync of their dir
	ops    int
	wrote  int
	syncs  int
	fail   func(n int, op, name string) error // before operation n; errShort: half of a write
	hook   func(op string)                    // after an operation's start, without mu
}

type inode struct {
	data   []byte
	synced int // bytes that a power cut leaves
	holder *memFile
}

type memFile struct {
	d      *memDisk
	node   *inode
	name   string
	dir    bool
	off    int
	failed bool
}

var errShort = errors.New("short write")

func newMemDisk(t testing.TB) *memDisk {
	return &memDisk{t: t, names: map[string]*inode{}, synced: map[string]*inode{}}
}

func (d *memDisk) op(op, name string) error {
	if d.hook != nil {
		d.hook(op)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if d.fail == nil {
		return nil
	}
	if err := d.fail(d.ops, op, name); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (d *memDisk) mkdir(dir string) error { return d.op("mkdir", dir) }

func (d *memDisk) open(name string, flag int) (file, error) {
	op := "open"
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		op = "openw"
	}
	if err := d.op(op, name); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch filepath.Base(name) {
	case "journal", "journal.tmp", "journal.bad", "lock":
	default:
		return &memFile{d: d, name: name, dir: true}, nil
	}
	node := d.names[name]
	switch {
	case node == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case node == nil:
		node = &inode{}
		d.names[name] = node
	case flag&os.O_TRUNC != 0:
		node = &inode{} // as after a crash: the old bytes are gone or not, a tmp does not matter
		d.names[name] = node
	}
	return &memFile{d: d, node: node, name: name}, nil
}

func (d *memDisk) rename(from, to string) error {
	if err := d.op("rename", to); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d *memDisk) remove(name string) error {
	if err := d.op("remove", name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, name)
	return nil
}

func (d *memDisk) flock(f file) error {
	m := f.(*memFile)
	if err := d.op("flock", m.name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.node.holder != nil {
		return unix.EWOULDBLOCK
	}
	m.node.holder = m
	return nil
}

// after is the disk as the next process finds it. A killed process leaves all
// that was written; a power cut the synced names or the current ones, and
// share (0 to 4 quarters) of what each file had unsynced.
func (d *memDisk) after(cut bool, current bool, share int) *memDisk {
	n := newMemDisk(d.t)
	names := d.names
	if cut && !current {
		names = d.synced
	}
	for name, node := range names {
		data := node.data
		if cut {
			data = data[:node.synced+(len(data)-node.synced)*share/4]
		}
		fresh := &inode{data: bytes.Clone(data), synced: len(data)}
		n.names[name], n.synced[name] = fresh, fresh
	}
	return n
}

func (f *memFile) use(op string) error {
	if f.failed && op != "close" {
		f.d.t.Errorf("%s of %s after it had failed", op, f.name)
	}
	err := f.d.op(op, f.name)
	if err != nil && op != "close" {
		f.failed = true
	}
	return err
}

func (f *memFile) Write(p []byte) (int, error) {
	err := f.use("write")
	if errors.Is(err, errShort) {
		p, err = p[:len(p)/2], nil
	} else if err != nil {
		p = p[:len(p)/3] // some of it may have arrived
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.node.data = append(f.node.data, p...)
	f.d.wrote += len(p)
	return len(p), err
}

func (f *memFile) Read(p []byte) (int, error) {
	if f.off == 0 {
		if err := f.use("read"); err != nil {
			return 0, err
		}
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := copy(p, f.node.data[min(f.off, len(f.node.data)):])
	f.off += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.use("truncate"); err != nil {
		return err
	}
	f.node.data = f.node.data[:size]
	f.node.synced = min(f.node.synced, int(size))
	return nil
}

func (f *memFile) Sync() error {
	if err := f.use("fsync"); err != nil {
		return err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if !f.dir {
		f.d.syncs++
		f.node.synced = len(f.node.data)
		return nil
	}
	for name := range f.d.synced {
		if filepath.Dir(name) == f.name {
			delete(f.d.synced, name)
		}
	}
	for name, node := range f.d.names {
		if filepath.Dir(name) == f.name {
			f.d.synced[name] = node
		}
	}
	return nil
}

func (f *memFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.node != nil && f.node.holder == f {
		f.node.holder = nil
	}
	return nil
}

func (f *memFile) Fd() uintptr { return 0 }

func (f *memFile) Stat() (os.FileInfo, error) { return memInfo(len(f.node.data)), nil }

type memInfo int64

func (memInfo) Name() string       { return "" }
func (i memInfo) Size() int64      { return int64(i) }
func (memInfo) Mode() fs.FileMode  { return 0o600 }
func (memInfo) ModTime() time.Time { return time.Time{} }
func (memInfo) IsDir() bool        { return false }
func (memInfo) Sys() any           { return nil }
