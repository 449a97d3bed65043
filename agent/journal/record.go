package journal

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

const (
	version     = 1
	recordLimit = 1 << 20 // bytes of one payload
	headSize    = 18      // "LLLLLLLL CCCCCCCC "
)

// The kinds of a record.
const (
	kindJournal  = "journal"  // first in the file: version
	kindReceived = "received" // of a call: four steps …
	kindStarted  = "started"
	kindFinished = "finished"
	kindReported = "reported"
	kindEntry    = "entry" // … or all of them at once, after compaction
	kindLease    = "lease"
	kindUnlease  = "unlease"
	kindFact     = "fact"
	kindOpened   = "opened" // a process took the journal: proves that the dir can be written
)

// record is one line of the file. The tags name the keys of its JSON; text.go writes and
// reads it, and a test holds the two together.
type record struct {
	Kind      string  `json:"k"`
	Version   int     `json:"v,omitzero"`
	Whole     bool    `json:"whole,omitzero"` // of a fallback: it holds all that the dir held
	Seq       uint64  `json:"n,omitzero"`
	ID        string  `json:"id,omitzero"`
	Container string  `json:"c,omitzero"`
	Sum       digest  `json:"h,omitzero"`
	Data      string  `json:"d,omitzero"`
	State     State   `json:"s,omitzero"`
	Begun     *Begun  `json:"b,omitzero"`
	More      []Begun `json:"more,omitzero"` // of an entry: what was started beside Begun
	Result    string  `json:"r,omitzero"`
	Reported  bool    `json:"rep,omitzero"`
	Target    string  `json:"t,omitzero"`
	Key       string  `json:"key,omitzero"`
	Value     string  `json:"val,omitzero"` // a fact's value, a lease's call, an opener's name
}

// reached is the state that a record of a call tells of.
func (r record) reached() State {
	switch r.Kind {
	case kindStarted:
		return StateStarted
	case kindFinished, kindReported:
		return StateFinished
	case kindEntry:
		return min(max(r.State, StateReceived), StateFinished)
	}
	return StateReceived
}

// compacted tells whether compaction writes such records.
func (r record) compacted() bool {
	switch r.Kind {
	case kindJournal, kindEntry, kindLease, kindFact:
		return true
	}
	return false
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord adds r as a line.
func appendRecord(dst []byte, r record) ([]byte, error) {
	payload := r.text()
	if len(payload) > recordLimit {
		return dst, fmt.Errorf("journal record: %d bytes, want at most %d", len(payload), recordLimit)
	}
	dst = append(dst, head(payload)...)
	dst = append(dst, payload...)
	return append(dst, '\n'), nil
}

// head is the text before a payload.
func head(payload []byte) string {
	length := fmt.Sprintf("%08x", len(payload))
	sum := crc32.Update(crc32.Checksum([]byte(length), castagnoli), castagnoli, payload)
	return fmt.Sprintf("%s %08x ", length, sum)
}

// scanned is what scan saw of a file.
type scanned struct {
	dropped int  // bytes that are part of no record
	middle  bool // records followed dropped bytes
	unclean bool // must be written anew before anything is appended
	foreign int  // version of another format; 0: ours
	base    int  // bytes that the last compaction wrote
}

// scan gives each record that verifies to each, in order.
func scan(b []byte, each func(record) bool) scanned {
	var s scanned
	whole, compacted := len(b), true
	for first := true; len(b) > 0; first = false {
		r, n, ok := decode(b)
		if ok && r.Kind == kindJournal && r.Version > version {
			return scanned{foreign: r.Version}
		}
		if ok && each(r) {
			s.middle = s.middle || s.dropped > 0
			s.unclean = s.unclean || n > len(b) || b[n-1] != '\n' || first != (r.Kind == kindJournal)
			b = b[min(n, len(b)):]
			if compacted = compacted && r.compacted(); compacted {
				s.base = whole - len(b)
			}
			continue
		}
		n = bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			n = len(b)
		}
		s.dropped += n
		s.unclean = true
		b = b[n:]
	}
	return s
}

// decode reads the record at the start of b; n is its length with its line feed,
// which may be missing or wrong: the record is known nevertheless.
func decode(b []byte) (r record, n int, ok bool) {
	if len(b) < headSize {
		return r, 0, false
	}
	size, ok := hex32(b[:8])
	if !ok || size > recordLimit || uint64(len(b)) < headSize+uint64(size) {
		return r, 0, false
	}
	payload := b[headSize : headSize+int(size)]
	if head(payload) != string(b[:headSize]) {
		return r, 0, false
	}
	if err := r.read(payload); err != nil {
		return record{}, 0, false
	}
	return r, headSize + int(size) + 1, true
}

func hex32(b []byte) (n uint32, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint32(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
