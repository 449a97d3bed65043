package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fileLimit bounds what Open reads of a journal, in bytes; compaction keeps
// our own files far below. The rest counts as damage.
const fileLimit = 64 << 20

// place is one dir that holds a journal: its lock and its open file. One
// goroutine at a time works on it.
type place struct {
	disk disk
	dir  string
	lock file  // held until close
	file file  // open for appending after rewrite or reopen
	size int64 // of the file
	base int64 // size after the last rewrite
}

func (p *place) name(base string) string { return filepath.Join(p.dir, base) }

// hold makes the dir and takes its lock. A [HeldError] means another process;
// any other error that the dir cannot be written. Even then the lock is taken
// if the lock file exists, so that others see the owner.
func (p *place) hold(owner string) error {
	if err := p.disk.mkdir(p.dir); err != nil {
		return fmt.Errorf("make the dir: %w", err)
	}
	f, err := p.disk.open(p.name("lock"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		if f, roErr := p.disk.open(p.name("lock"), os.O_RDONLY); roErr == nil {
			if held := p.take(f); held != nil {
				return held
			}
		}
		return fmt.Errorf("open the lock file: %w", err)
	}
	if err := p.take(f); err != nil {
		return err
	}
	return p.sign(f, owner)
}

func (p *place) take(f file) error {
	err := p.disk.flock(f)
	if err == nil {
		p.lock = f
		return nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = &HeldError{Dir: p.dir, Owner: ownerIn(f)}
	} else {
		err = fmt.Errorf("lock the dir: %w", err)
	}
	_ = f.Close() // nothing was written to it
	return err
}

func ownerIn(f file) string {
	b, _ := io.ReadAll(io.LimitReader(f, 256)) // unreadable or empty: the same answer
	if text := strings.TrimSpace(string(b)); text != "" {
		return text
	}
	return "another process"
}

func (p *place) sign(f file, owner string) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	if err := write(f, []byte(owner+"\n")); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// exists tells whether there is a journal here.
func (p *place) exists() bool {
	f, err := p.disk.open(p.name("journal"), os.O_RDONLY)
	if err == nil {
		_ = f.Close() // only looked at
	}
	return err == nil
}

// read returns the whole file, nil when there is none. With an error it
// returns what could be read.
func (p *place) read() ([]byte, error) {
	f, err := p.disk.open(p.name("journal"), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil { // else it only grows in steps
		b.Grow(int(min(max(info.Size(), 0), fileLimit)) + bytes.MinRead)
	}
	_, err = b.ReadFrom(io.LimitReader(f, fileLimit))
	_ = f.Close() // only read
	if err != nil {
		return b.Bytes(), fmt.Errorf("read the journal: %w", err)
	}
	return b.Bytes(), nil
}

// reopen continues the file as it is; size is what was just read of it, base
// what the last compaction wrote.
func (p *place) reopen(size, base int) error {
	f, err := p.disk.open(p.name("journal"), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	p.file, p.size, p.base = f, int64(size), int64(base)
	return nil
}

// rewrite replaces the file: after a crash at any moment the old or the new
// one is there, whole.
func (p *place) rewrite(b []byte) error {
	f, err := p.writeFile("journal.tmp", b)
	if err != nil {
		return fmt.Errorf("write a new journal: %w", err)
	}
	if err := p.disk.rename(p.name("journal.tmp"), p.name("journal")); err != nil {
		return errors.Join(fmt.Errorf("replace the journal: %w", err), f.Close())
	}
	p.drop() // only now: no other file has its place
	p.file, p.size, p.base = f, int64(len(b)), int64(len(b))
	if err := syncDir(p.disk, p.dir); err != nil {
		return fmt.Errorf("sync the dir: %w", err)
	}
	return nil
}

// writeFile writes and syncs a file and leaves it open for appending.
func (p *place) writeFile(base string, b []byte) (file, error) {
	f, err := p.disk.open(p.name(base), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	if err = write(f, b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = p.disk.remove(p.name(base)) // gives a full disk its room back
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// append adds records at the end; after an error the file is given up.
func (p *place) append(b []byte, sync bool) error {
	if err := write(p.file, b); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	p.size += int64(len(b))
	if !sync {
		return nil
	}
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("fsync the journal: %w", err)
	}
	return nil
}

func write(f file, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := f.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// keepAside leaves a damaged file for a person to look at.
func (p *place) keepAside(b []byte) error {
	f, err := p.writeFile("journal.bad", b)
	if err != nil {
		return err
	}
	return f.Close()
}

// drop closes the file. What was synced is safe, what was not was not promised.
func (p *place) drop() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}

// close gives the dir back to others.
func (p *place) close() {
	p.drop()
	if p.lock != nil {
		_ = p.lock.Close() // the lock goes with the descriptor
		p.lock = nil
	}
}
