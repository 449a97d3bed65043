package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Journal is an open journal and the only writer of its state dir. It is safe
// for concurrent use; what only reads (Lookup, Get, Leases …) never waits for
// the disk.
type Journal struct {
	log      *slog.Logger
	disk     disk
	owner    string
	fallback string // folder for this state dir in Options.Fallback, or ""
	slack    int64
	found    []Entry

	mu       sync.Mutex
	cond     *sync.Cond // busy or waiting fell, or records were written
	state    state
	main     *place // the state dir; its lock is held to the end
	spare    *place // the fallback, nil while unused
	at       *place // where records go; nil: nowhere, memory only
	pending  []byte // records not yet given to the file
	wantSync uint64 // newest record whose caller waits for fsync
	synced   uint64 // newest record on the disk
	busy     bool   // one goroutine is at the file
	waiting  int    // goroutines that want to be next
	lost     []loss
	degraded error
	closed   bool
}

// Open takes the state dir and reads what the last run left. It makes the dir
// if it is missing. The only error is a [HeldError]: with a dir that can't be
// used the journal opens elsewhere, and Degraded says so. The caller closes it.
func Open(dir string, o Options) (*Journal, error) {
	j := newJournal(dir, o)
	trouble := j.openMain()
	held, ok := errors.AsType[*HeldError](trouble)
	if !ok {
		held = j.openSpare(trouble != nil)
	}
	if held != nil {
		j.release()
		return nil, held
	}
	if trouble == nil {
		trouble = j.settleIn()
	}
	if trouble != nil {
		j.main.drop()
		j.mu.Lock()
		j.escape(trouble)
		j.mu.Unlock()
	}
	j.found = j.entries(func(e *entry) bool { return e.state < StateFinished })
	return j, nil
}

func newJournal(dir string, o Options) *Journal {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	j := &Journal{log: o.Log, disk: o.disk, owner: o.Owner, slack: cmp.Or(o.slack, slack), state: newState()}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	if j.disk == nil {
		j.disk = osDisk{}
	}
	if j.owner == "" {
		j.owner = fmt.Sprintf("%s, pid %d", filepath.Base(os.Args[0]), os.Getpid())
	}
	if o.Fallback != "" {
		name := strings.ReplaceAll(strings.Trim(dir, "/"), "/", "-")
		j.fallback = filepath.Join(o.Fallback, "state-"+name[max(0, len(name)-200):])
	}
	j.cond = sync.NewCond(&j.mu)
	j.main = &place{disk: j.disk, dir: dir}
	return j
}

// openMain locks the state dir and reads its journal, even when it can't be
// written: what it says still counts.
func (j *Journal) openMain() error {
	trouble := j.main.hold(j.owner)
	if _, held := errors.AsType[*HeldError](trouble); held {
		return trouble
	}
	b, err := j.main.read()
	s := j.load(j.main, &j.state, b, err)
	j.state.whole = err == nil && s.foreign == 0
	if s.foreign != 0 {
		err = errFormat(s.foreign)
	}
	if trouble == nil {
		trouble = err
	}
	if trouble != nil {
		return trouble
	}
	if s.middle {
		if err := j.main.keepAside(b); err != nil {
			return fmt.Errorf("keep the damaged journal: %w", err)
		}
	}
	if len(b) == 0 {
		_ = syncDir(j.disk, filepath.Dir(j.main.dir)) // the dir may be new; its parent may be closed to us
	}
	if s.unclean || len(b) == 0 {
		return nil // settleIn writes it anew
	}
	return j.main.reopen(len(b), s.base)
}

// load reads a file's records into s.
func (j *Journal) load(p *place, s *state, b []byte, readErr error) scanned {
	seen := scan(b, s.apply)
	if seen.dropped > 0 || readErr != nil {
		s.doubt()
	}
	switch {
	case seen.middle:
		j.log.Error("journal damaged, calls in doubt count as started", "file", p.name("journal"), "bytes_dropped", seen.dropped)
	case seen.dropped > 0:
		j.log.Warn("journal ended in a torn record", "file", p.name("journal"), "bytes_dropped", seen.dropped)
	}
	return seen
}

// openSpare reads what a degraded run left in the fallback, and holds the
// fallback if that exists or is needed.
func (j *Journal) openSpare(needed bool) *HeldError {
	if j.fallback == "" {
		return nil
	}
	spare := &place{disk: j.disk, dir: j.fallback}
	if !needed && !spare.exists() {
		return nil
	}
	err := spare.hold(j.owner)
	if err == nil {
		err = j.mergeFrom(spare)
	}
	if err == nil {
		j.spare = spare
		return nil
	}
	spare.close()
	if held, ok := errors.AsType[*HeldError](err); ok {
		return held
	}
	j.log.Warn("fallback of the state dir can't be used", "dir", j.fallback, "err", err)
	return nil
}

func (j *Journal) mergeFrom(spare *place) error {
	b, err := spare.read()
	other := newState()
	seen := j.load(spare, &other, b, err)
	if seen.foreign != 0 {
		return errFormat(seen.foreign)
	}
	j.state.merge(other)
	return err
}

func errFormat(n int) error {
	return fmt.Errorf("read the journal: format %d, want %d: a newer longarm-agent wrote it", n, version)
}

// settleIn makes the state dir's file hold the state, and proves by a synced
// record that it can be written. A merged fallback is no longer needed then.
func (j *Journal) settleIn() error {
	if j.main.file == nil || j.spare != nil {
		s := j.state.copy()
		s.whole = false // the mark is for fallbacks
		b, err := s.file()
		if err == nil {
			err = j.main.rewrite(b)
		}
		if err != nil {
			return err
		}
	}
	r := record{Kind: kindOpened, Seq: j.state.seq + 1, Value: j.owner}
	line, err := appendRecord(nil, r)
	if err == nil {
		err = j.main.append(line, true)
	}
	if err != nil {
		return err
	}
	j.state.apply(r)
	j.state.whole = true
	j.at, j.synced = j.main, j.state.seq
	j.leaveSpare()
	return nil
}

// leaveSpare removes a fallback that was merged.
func (j *Journal) leaveSpare() {
	if j.spare == nil {
		return
	}
	if err := j.disk.remove(j.spare.name("journal")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.log.Warn("merged fallback journal not removed", "err", err)
	}
	j.spare.close()
	j.spare = nil
}

// Close writes and syncs what is left and gives the dir back. Later calls
// return [ErrClosed]; what reads goes on. The error is that of the last sync.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	err := j.durable(j.state.seq)
	for j.busy || j.waiting > 0 {
		j.cond.Wait()
	}
	j.release()
	return err
}

func (j *Journal) release() {
	j.main.close()
	if j.spare != nil {
		j.spare.close()
	}
	j.at = nil
}

// Degraded is nil while the state dir holds the journal. Otherwise it is a
// sentence that says which dir failed, why, and where the journal goes on; it
// stays until the next Open. Then only moves towards safe and plain on or off
// should be accepted (design.md section 4).
func (j *Journal) Degraded() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.degraded
}
