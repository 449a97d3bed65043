package journal

import (
	"bytes"
	"maps"
	"path/filepath"
	"reflect"
	"testing"
)

// mark is a book as it stood when the file was that long.
type mark struct {
	size int
	book *script
}

func (s *script) snapshot() *script {
	c := *s
	c.calls, c.facts = map[string]*promise{}, map[string][]string{}
	for id, p := range s.calls {
		c.calls[id] = new(*p)
	}
	for key, values := range s.facts {
		c.facts[key] = append([]string(nil), values...)
	}
	c.opened, c.touched, c.sure = maps.Clone(s.opened), maps.Clone(s.touched), maps.Clone(s.sure)
	return &c
}

// recordRun runs the script and returns the file's bytes, with the book as it
// stood after every step since the last compaction.
func recordRun(t *testing.T, rounds int, slack int64) (b []byte, marks []mark, last *script) {
	d := newMemDisk(t)
	o := memOptions(d)
	o.slack = slack
	j := mustOpen(t, testDir, o)
	s := newScript(t, j)
	name := filepath.Join(testDir, "journal")
	node := d.names[name]
	s.after = func() {
		if d.names[name] != node {
			marks, node = nil, d.names[name]
		}
		marks = append(marks, mark{size: len(node.data), book: s.snapshot()})
	}
	s.run(rounds)
	if err := j.Degraded(); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(node.data), marks, s.snapshot()
}

func openBytes(t testing.TB, b []byte) (*memDisk, *Journal) {
	d := newMemDisk(t)
	node := &inode{data: b, synced: len(b)}
	d.names[filepath.Join(testDir, "journal")] = node
	d.synced[filepath.Join(testDir, "journal")] = node
	j := mustOpen(t, testDir, memOptions(d))
	return d, j
}

// reopen ends one journal as a kill does and opens the next.
func reopen(t testing.TB, d *memDisk) (*memDisk, *Journal) {
	next := d.after(false, true, 0)
	return next, mustOpen(t, testDir, memOptions(next))
}

// future widens a book's claims by what was tried later: those records may
// lie before the cut without having been promised.
func (s *script) future(last *script) *script {
	c := s.snapshot()
	for id, p := range last.calls {
		if c.calls[id] == nil {
			c.calls[id] = &promise{Received: p.Received}
		}
		c.calls[id].tried, c.calls[id].begun, c.calls[id].result = p.tried, p.begun, p.result
	}
	for key := range last.facts { // the script counts up
		c.facts[key] = append(c.facts[key], "i-4711", "0", "1", "2", "3", "4")
	}
	maps.Copy(c.touched, last.touched)
	return c
}

func TestCutAtEveryByte(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rounds int
		slack  int64
	}{{"no compaction", 1, 1 << 30}, {"after a compaction", 4, 3000}} {
		t.Run(tt.name, func(t *testing.T) {
			b, marks, last := recordRun(t, tt.rounds, tt.slack)
			start := 0
			if tt.slack < 1<<30 {
				start = marks[0].size // what was compacted was there at once: rename
				if start >= len(b) {
					t.Fatal("nothing follows the compaction")
				}
			}
			at := -1
			for n := start; n <= len(b); n++ {
				for at+1 < len(marks) && marks[at+1].size <= n {
					at++
				}
				book := newScript(t, nil)
				if at >= 0 {
					book = marks[at].book
				}
				book = book.future(last)
				d, j := openBytes(t, b[:n:n])
				if err := book.check(j, true); err != nil {
					t.Fatalf("cut at %d of %d: %v", n, len(b), err)
				}
				if err := j.Degraded(); err != nil {
					t.Fatalf("cut at %d: %v", n, err)
				}
				if n%5 != 0 && n < len(b) && b[n] != '\n' {
					continue
				}
				found := j.entries(func(*entry) bool { return true })
				_, again := reopen(t, d)
				if got := again.entries(func(*entry) bool { return true }); !reflect.DeepEqual(got, found) {
					t.Fatalf("cut at %d, opened twice: got %+v, want %+v", n, got, found)
				}
				if err := book.check(again, true); err != nil {
					t.Fatalf("cut at %d, opened twice: %v", n, err)
				}
			}
		})
	}
}

func TestFlipAtEveryByte(t *testing.T) {
	b, _, last := recordRun(t, 1, 1<<30)
	book := last.future(last)
	for n := range b {
		bit := n % 8 // a CRC finds any single one: all eight cost time only
		damaged := bytes.Clone(b)
		damaged[n] ^= 1 << bit
		d, j := openBytes(t, damaged)
		check := func(j *Journal, when string) {
			if err := book.check(j, false); err != nil {
				t.Fatalf("bit %d of byte %d flipped, %s: %v", bit, n, when, err)
			}
			for _, p := range last.calls {
				if e, _ := j.Lookup(p.ID); p.kept >= StateStarted && e.State < StateStarted && len(p.begun) > 0 {
					t.Fatalf("bit %d of byte %d flipped, %s: %s is %v, want at least started", bit, n, when, p.ID, e.State)
				}
			}
			for target, call := range last.opened {
				if !last.touched[target] && j.Leases()[target] != call {
					t.Fatalf("bit %d of byte %d flipped, %s: the lease of %s is lost", bit, n, when, target)
				}
			}
		}
		check(j, "opened")
		if n%5 == 0 {
			d, j = reopen(t, d)
			check(j, "opened twice")
		}
		if lines := bytes.Count(damaged[n:], []byte("\n")); lines > 3 {
			if d.names[filepath.Join(testDir, "journal.bad")] == nil && !bytes.Equal(readAll(d), damaged) && b[n] != '\n' {
				t.Fatalf("bit %d of byte %d flipped: no journal.bad", bit, n)
			}
		}
	}
}

func readAll(d *memDisk) []byte { return d.names[filepath.Join(testDir, "journal")].data }

// TestFlipInCompacted: altered data is never accepted there either (each third byte).
func TestFlipInCompacted(t *testing.T) {
	b, marks, last := recordRun(t, 4, 3000)
	book := last.future(last)
	for n := 0; n < marks[0].size; n += 3 {
		damaged := bytes.Clone(b)
		damaged[n] ^= 1 << (n % 8)
		_, j := openBytes(t, damaged)
		if err := book.check(j, false); err != nil {
			t.Fatalf("byte %d flipped: %v", n, err)
		}
	}
}
