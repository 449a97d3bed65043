package guest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"

	"longarm/lab/wire"
)

// Files larger than this go through the shared folder, where there is one: the control
// channel carries them as text.
const large = 256 << 10

// Put copies a host file into the running guest.
func (g *Guest) Put(src, dst string, mode uint32) error {
	return g.place(File{Path: dst, Src: src, Mode: mode})
}

// Write writes a file in the running guest, its folders too. A file that is there is
// replaced, so a program may be running from it.
func (g *Guest) Write(dst string, b []byte, mode uint32) error {
	if g.share != "" && len(b) > large {
		return g.viaShare(dst, b, mode)
	}
	for first := true; first || len(b) > 0; first = false {
		n := min(large, len(b))
		q := wire.Request{Op: "put", Path: dst, Mode: mode, More: !first, Data: b[:n]}
		if _, err := g.Do(q); err != nil {
			return fmt.Errorf("write %s in the guest: %w", dst, err)
		}
		b = b[n:]
	}
	return nil
}

func (g *Guest) viaShare(dst string, b []byte, mode uint32) error {
	f, err := os.CreateTemp(g.share, ".put-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // else it goes with the folder
	_, err = f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	q := wire.Request{Op: "copy", Src: path.Join(ShareDir, filepath.Base(f.Name())), Path: dst, Mode: mode}
	if _, err := g.Do(q); err != nil {
		return fmt.Errorf("copy %s in the guest: %w", dst, err)
	}
	return nil
}

// place puts a File into the running guest.
func (g *Guest) place(f File) error {
	if f.Link != "" {
		_, err := g.Do(wire.Request{Op: "link", Src: f.Link, Path: f.Path})
		return err
	}
	b, err := f.contents()
	if err != nil {
		return err
	}
	return g.Write(f.Path, b, f.mode())
}

// Get reads a file of the guest.
func (g *Guest) Get(path string) ([]byte, error) {
	r, err := g.Do(wire.Request{Op: "get", Path: path})
	return r.Data, err
}

func (g *Guest) mountShare() error {
	if _, err := g.Do(wire.Request{Op: "share", Path: ShareDir}); err != nil {
		return fmt.Errorf("mount the shared folder: %w", err)
	}
	return nil
}
