package journal

import (
	"fmt"
	"slices"
)

// slack is how much a file may grow over twice its compacted size, in bytes.
const slack = 256 << 10

// loss is a run of records whose file failed under them.
type loss struct {
	after, upto uint64
	err         error
}

// queue takes a record into the state and hands it to the next write. Callers
// hold mu. A record that can't be encoded changes nothing.
func (j *Journal) queue(r record) error {
	r.Seq = j.state.seq + 1
	b, err := appendRecord(j.pending, r)
	if err != nil {
		return err
	}
	j.pending = b
	j.state.apply(r)
	return nil
}

// durable returns when the record seq is on the disk, or the error of the
// file that lost it. Callers hold mu; it is given up while waiting.
//
// One goroutine at a time is at the file. It takes everything that is pending,
// so calls that came meanwhile share the next fsync.
func (j *Journal) durable(seq uint64) error {
	if j.synced >= seq {
		return nil
	}
	j.wantSync = max(j.wantSync, seq)
	for j.synced < seq {
		if j.busy {
			j.waiting++
			j.cond.Wait()
			j.waiting--
			continue
		}
		j.lead(2)
	}
	for _, l := range j.lost {
		if l.after < seq && seq <= l.upto {
			return l.err
		}
	}
	return nil
}

// lazily writes what is pending, now or by the goroutine that is at the file.
// It promises nothing: a file that fails shows in Degraded.
func (j *Journal) lazily(patience int64) {
	if !j.busy {
		j.lead(patience)
	}
}

// lead writes until nobody's records are left behind, then compacts a file
// that has grown beyond patience times its bound: rather after a report, when
// nobody waits, than before an acknowledgement or a move.
func (j *Journal) lead(patience int64) {
	j.busy = true
	j.flush()
	for len(j.pending) > 0 && j.waiting == 0 {
		j.flush()
	}
	if j.at != nil && j.at.size > patience*(2*j.at.base+j.slack) {
		j.compact()
	}
	j.busy = false
	j.cond.Broadcast()
}

// flush gives the pending records to the file, without mu.
func (j *Journal) flush() {
	at, b, seq, sync := j.at, j.pending, j.state.seq, j.wantSync > j.synced
	j.pending = nil
	var err error
	if at != nil {
		j.mu.Unlock()
		err = at.append(b, sync)
		j.mu.Lock()
	}
	if err != nil {
		j.escape(err)
		return
	}
	if sync {
		j.synced = seq
	}
}

// compact replaces the file by what must survive. It covers what is pending.
func (j *Journal) compact() {
	at, s := j.at, j.state.copy()
	s.whole = s.whole && at == j.spare
	j.pending = nil
	j.mu.Unlock()
	b, err := s.file()
	if err == nil {
		err = at.rewrite(b)
	}
	j.mu.Lock()
	if err != nil {
		j.escape(err)
		return
	}
	j.synced = s.seq
}

// escape leaves a file that failed and goes on in the fallback, or in memory.
// Callers hold mu, and are at the file; all that is in memory goes along, the
// records of callers that still wait for a disk are lost to them.
func (j *Journal) escape(cause error) {
	cause = fmt.Errorf("state dir %s: %w", j.main.dir, cause)
	failed, s := j.at, j.state.copy()
	j.pending = nil
	if j.synced < s.seq {
		j.lost = append(j.lost, loss{after: j.synced, upto: s.seq, err: cause})
	}
	const memory = "memory only and is lost when this process ends"
	where := memory
	if j.hasRefuge(failed) {
		where = j.fallback
	}
	j.degraded = goesOn(cause, where) // told already: whoever reports it may ask but once
	j.mu.Unlock()
	if failed != nil {
		failed.drop()
	}
	next, err := j.moveOut(failed, s)
	j.mu.Lock()
	j.at, j.synced = next, s.seq
	if err != nil {
		j.degraded = goesOn(cause, fmt.Sprintf("%s (%v)", memory, err))
	}
	j.log.Error("state dir is broken", "err", j.degraded)
}

func goesOn(cause error, where string) error {
	return fmt.Errorf("%w; the journal goes on in %s; once the dir works, start the agent again", cause, where)
}

// hasRefuge: there is a fallback, and it is not what failed.
func (j *Journal) hasRefuge(failed *place) bool {
	return j.fallback != "" && (failed == nil || failed != j.spare)
}

// moveOut writes the state into the fallback; nil when there is none or when
// it is the fallback that failed.
func (j *Journal) moveOut(failed *place, s state) (*place, error) {
	if !j.hasRefuge(failed) {
		return nil, nil
	}
	if j.spare == nil {
		spare := &place{disk: j.disk, dir: j.fallback}
		if err := spare.hold(j.owner); err != nil {
			spare.close()
			return nil, fmt.Errorf("fallback %s: %w", j.fallback, err)
		}
		j.spare = spare
	}
	b, err := s.file()
	if err == nil {
		err = j.spare.rewrite(b)
	}
	if err != nil {
		j.spare.drop()
		return nil, fmt.Errorf("fallback %s: %w", j.fallback, err)
	}
	return j.spare, nil
}

// entries are those that fit, oldest first.
func (j *Journal) entries(fits func(*entry) bool) []Entry {
	var out []Entry
	for _, e := range j.state.order {
		if fits(e) {
			out = append(out, e.public())
		}
	}
	return slices.Clip(out)
}
