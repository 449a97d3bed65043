// Package cpio writes "newc" archives, the format of a Linux initramfs (kernel
// documentation, driver-api/early-userspace/buffer-format.rst). Archives may follow each
// other in one file: the kernel unpacks one after the other. Everything in them belongs to
// root and has no time.
package cpio

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// The kinds of file, as in st_mode.
const (
	dir     = 0o040000
	file    = 0o100000
	link    = 0o120000
	charDev = 0o020000
)

// Writer writes one archive. The first fault of what it writes to is Close's; everything
// after it is dropped.
type Writer struct {
	w    io.Writer
	ino  int
	off  int
	dirs map[string]bool
	err  error
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, dirs: map[string]bool{}} }

// Dir adds a folder, and those above it that are not there yet.
func (c *Writer) Dir(name string) {
	name = strings.Trim(name, "/")
	if c.dirs[name] {
		return
	}
	c.dirs[name] = true
	c.entry(name, dir|0o755, 0, 0, nil)
}

// File adds a regular file.
func (c *Writer) File(name string, perm uint32, data []byte) { c.entry(name, file|perm, 0, 0, data) }

// Link adds a symbolic link.
func (c *Writer) Link(name, target string) { c.entry(name, link|0o777, 0, 0, []byte(target)) }

// CharDev adds a character device.
func (c *Writer) CharDev(name string, perm uint32, major, minor int) {
	c.entry(name, charDev|perm, major, minor, nil)
}

// Close ends the archive, padded to 512 bytes as cpio does.
func (c *Writer) Close() error {
	c.header("TRAILER!!!", 0, 0, 0, 0)
	c.pad(512)
	return c.err
}

func (c *Writer) entry(name string, mode uint32, major, minor int, data []byte) {
	name = strings.Trim(name, "/")
	if above := path.Dir(name); above != "." {
		c.Dir(above)
	}
	c.ino++
	c.header(name, mode, major, minor, len(data))
	c.write(data)
	c.pad(4)
}

// header: magic, inode, mode, uid, gid, links, time, size, device of the file, device that
// it is, length of the name with its 0, checksum.
func (c *Writer) header(name string, mode uint32, major, minor, size int) {
	c.write(fmt.Appendf(nil, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		c.ino, mode, 0, 0, 1, 0, size, 0, 0, major, minor, len(name)+1, 0, name))
	c.pad(4)
}

func (c *Writer) pad(to int) { c.write(make([]byte, (to-c.off%to)%to)) }

func (c *Writer) write(b []byte) {
	if c.err == nil && len(b) > 0 {
		_, c.err = c.w.Write(b)
		c.off += len(b)
	}
}
