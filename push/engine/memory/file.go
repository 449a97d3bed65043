package memory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"longarm/push/engine"
)

// The file is the magic line, then records: length and CRC-32C of the payload, four bytes each, little-endian, and the
// payload: kind, revision (uvarint), length of the subject (uvarint), subject, data.
const (
	magic      = "longarm engine 1\n"
	headSize   = 8
	maxPayload = 64 << 20

	kindWrite = 'w'
	kindPurge = 'p'
	kindMark  = 'm' // after a compaction: the revision counter, nothing else
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// file is the open engine file; its methods are for the leader of the commit queue alone.
type file struct {
	path      string
	lock, f   *os.File
	size      int64
	live      int64 // bytes that a compacted file would have, about
	compactAt int64
}

func openFile(path string, compactAt int64, log *slog.Logger, replay func(d engine.Doc, purge, mark bool)) (*file, error) {
	if compactAt <= 0 {
		compactAt = 1 << 20
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, lock.Close())
	}
	x := &file{path: path, lock: lock, compactAt: compactAt}
	if err := x.load(log, replay); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return x, nil
}

func (x *file) load(log *slog.Logger, replay func(d engine.Doc, purge, mark bool)) error {
	data, err := os.ReadFile(x.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(data) < len(magic) && bytes.HasPrefix([]byte(magic), data) {
		return x.replace([]byte(magic))
	}
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(data, []byte(magic)) {
		return errors.New("not an engine file: the first line is wrong")
	}
	good := len(magic)
	for {
		d, kind, n := parseRecord(data[good:])
		if n == 0 {
			break
		}
		if kind == kindWrite {
			x.live += recordSize(d)
		}
		replay(d, kind == kindPurge, kind == kindMark)
		good += n
	}
	if good < len(data) {
		log.Warn("torn tail of the engine file cut off", "file", x.path, "kept", good, "cut", len(data)-good)
		if err := os.WriteFile(x.path+".cut", data[good:], 0o600); err != nil {
			return fmt.Errorf("keep the torn tail: %w", err)
		}
	}
	return x.reopen(int64(good))
}

// reopen takes the file up to size into use, for appending.
func (x *file) reopen(size int64) error {
	f, err := os.OpenFile(x.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	if x.f != nil {
		err = x.f.Close()
	}
	x.f, x.size = f, size
	return err
}

// replace puts content in the file's place: write, fsync, rename, fsync the folder.
func (x *file) replace(content []byte) error {
	f, err := os.OpenFile(x.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(x.path+".new", x.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(x.path))
	if err != nil {
		return err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return err
	}
	return x.reopen(int64(len(content)))
}

func (x *file) write(records []byte) error {
	n, err := x.f.Write(records)
	x.size += int64(n)
	if err != nil {
		return err
	}
	return x.f.Sync()
}

func (x *file) wantsCompact() bool {
	return x.size > x.compactAt && x.size > 3*x.live
}

func (x *file) compact(seq uint64, docs []*engine.Doc) error {
	buf := appendPayload([]byte(magic), kindMark, engine.Doc{Revision: seq})
	for _, d := range docs {
		buf = appendRecord(buf, *d, false)
	}
	if err := x.replace(buf); err != nil {
		x.compactAt = 2 * x.size // not again on every write while the disk is full
		return err
	}
	return nil
}

func (x *file) close() error {
	return errors.Join(x.f.Close(), x.lock.Close())
}

func appendRecord(dst []byte, d engine.Doc, purge bool) []byte {
	if purge {
		return appendPayload(dst, kindPurge, d)
	}
	return appendPayload(dst, kindWrite, d)
}

func appendPayload(dst []byte, kind byte, d engine.Doc) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, headSize)...)
	dst = append(dst, kind)
	dst = binary.AppendUvarint(dst, d.Revision)
	dst = binary.AppendUvarint(dst, uint64(len(d.Subject)))
	dst = append(dst, d.Subject...)
	dst = append(dst, d.Data...)
	payload := dst[at+headSize:]
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

// recordSize is what a document needs in the file, give or take the length of two numbers.
func recordSize(d engine.Doc) int64 {
	return int64(headSize + 12 + len(d.Subject) + len(d.Data))
}

// parseRecord takes the first record of b; n is 0 when there is none that is whole.
func parseRecord(b []byte) (d engine.Doc, kind byte, n int) {
	if len(b) < headSize {
		return d, 0, 0
	}
	size := binary.LittleEndian.Uint32(b)
	if size == 0 || size > maxPayload || int(size) > len(b)-headSize {
		return d, 0, 0
	}
	payload := b[headSize : headSize+int(size)]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return d, 0, 0
	}
	kind, payload = payload[0], payload[1:]
	rev, used := binary.Uvarint(payload)
	if used <= 0 {
		return d, 0, 0
	}
	payload = payload[used:]
	length, used := binary.Uvarint(payload)
	if used <= 0 || length > uint64(len(payload)-used) {
		return d, 0, 0
	}
	payload = payload[used:]
	d = engine.Doc{Revision: rev, Subject: string(payload[:length]), Data: bytes.Clone(payload[length:])}
	return d, kind, headSize + int(size)
}
