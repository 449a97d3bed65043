package journal

import (
	"errors"
	"fmt"
	"strings"
)

// Received notes a call. An id that is known, for the same container and data,
// is a duplicate: prior says how far it came, and nothing is written. The same
// id for anything else is [ErrReused]. Any other error is about the ids
// themselves (empty, too long). It does not wait for the disk.
func (j *Journal) Received(r Received) (prior Entry, dup bool, err error) {
	if r.ID == "" {
		return Entry{}, false, errors.New("message id is empty")
	}
	if err := errors.Join(checkID("message", r.ID), checkID("container", r.Container)); err != nil {
		return Entry{}, false, err
	}
	sum := r.digest()
	j.mu.Lock()
	defer j.mu.Unlock()
	if e := j.state.entries[fold(r.ID)]; e != nil {
		if e.sum != sum {
			return e.public(), false, fmt.Errorf("%s: %w", r.ID, ErrReused)
		}
		return e.public(), true, nil
	}
	if j.closed {
		return Entry{}, false, ErrClosed
	}
	err = j.queue(record{Kind: kindReceived, ID: r.ID, Container: r.Container, Sum: sum, Data: r.Data})
	if err != nil {
		return Entry{}, false, err
	}
	j.lazily(2)
	return Entry{}, false, nil
}

// Started notes that the hardware is about to move, and returns after fsync. A
// call that moves several targets is started once for each, also at the same
// time. With any error that target may not move but towards safe: [ErrUnknown],
// [ErrOrder] (it was started before for this target or by another process, or
// is finished), or the disk's error; after that one the call counts as started
// all the same, since nobody knows what the disk holds.
func (j *Journal) Started(id string, b Begun) error {
	return j.step(id, func(e *entry) (record, error) {
		switch {
		case e.state == StateReceived:
			e.here = true
		case e.state == StateFinished, !e.here, e.started(b.Target):
			return record{}, ErrOrder
		}
		return record{Kind: kindStarted, Begun: &b}, nil
	})
}

// Finished notes the result, and returns after fsync. The same result again is
// no error, another one is [ErrOrder] and changes nothing. After an error of
// the disk the result is in memory and in the fallback.
func (j *Journal) Finished(id string, result []byte) error {
	text := strings.ToValidUTF8(string(result), "\uFFFD")
	return j.step(id, func(e *entry) (record, error) {
		if e.state == StateFinished && (e.result != text || text == "") {
			return record{}, ErrOrder
		}
		return record{Kind: kindFinished, Result: text}, nil
	})
}

// step adds one synced record of a known call.
func (j *Journal) step(id string, next func(*entry) (record, error)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, err := j.known(id)
	if err != nil {
		return err
	}
	r, err := next(e)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if err := j.queue(r.of(e)); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if err := j.durable(j.state.seq); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return nil
}

// Reported notes that the service has taken the result. It is lazy: it does
// not wait for the disk. [ErrOrder] when the call is not finished.
func (j *Journal) Reported(id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, err := j.known(id)
	switch {
	case err != nil:
		return err
	case e.state != StateFinished:
		return fmt.Errorf("%s: reported before it was finished: %w", id, ErrOrder)
	case e.reported:
		return nil
	}
	if err := j.queue(record{Kind: kindReported}.of(e)); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	j.lazily(1)
	return nil
}

func (j *Journal) known(id string) (*entry, error) {
	if j.closed {
		return nil, ErrClosed
	}
	e := j.state.entries[fold(id)]
	if e == nil {
		return nil, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return e, nil
}

// of makes r a record of e that can stand alone.
func (r record) of(e *entry) record {
	r.ID, r.Container, r.Sum = e.id, e.container, e.sum
	return r
}

// Lookup tells what is known of an id. It never waits for the disk.
func (j *Journal) Lookup(id string) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.state.entries[fold(id)]
	if e == nil {
		return Entry{}, false
	}
	return e.public(), true
}

// Interrupted are the calls that Open found received or started, but not
// finished, oldest first. It does not change afterwards.
func (j *Journal) Interrupted() []Entry { return append([]Entry(nil), j.found...) }

// Unreported are the finished calls whose result the service has not taken
// yet, oldest first.
func (j *Journal) Unreported() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entries(func(e *entry) bool { return e.state == StateFinished && !e.reported })
}
