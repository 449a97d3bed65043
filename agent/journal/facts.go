package journal

import (
	"maps"
	"strings"
)

// LeaseOpened notes that target is on for a while and that call asked for it;
// opened again it is renewed. It does not wait for the disk (see the package).
func (j *Journal) LeaseOpened(target, call string) error {
	target, call = valid(target), valid(call)
	return j.lease(target, record{Kind: kindLease, Target: target, Value: call}, func(now string, open bool) bool {
		return open && now == call
	})
}

// LeaseClosed notes that target's lease is over; none open is no error. It
// does not wait for the disk.
func (j *Journal) LeaseClosed(target string) error {
	target = valid(target)
	return j.lease(target, record{Kind: kindUnlease, Target: target}, func(_ string, open bool) bool {
		return !open
	})
}

func (j *Journal) lease(target string, r record, already func(call string, open bool) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	call, open := j.state.leases[target]
	if already(call, open) {
		return nil
	}
	if err := j.queue(r); err != nil {
		return err
	}
	j.lazily(2)
	return nil
}

// Leases are the open leases: target → message id of the call.
func (j *Journal) Leases() map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.state.leases)
}

// Set keeps a small fact, such as the instance or the last good time, and
// returns after fsync. The value that it has already costs nothing. Facts are
// few and short: each compaction writes all of them.
func (j *Journal) Set(key, value string) error {
	key, value = valid(key), valid(value)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	if f, ok := j.state.facts[key]; ok && f.value == value {
		return j.durable(f.seq) // it may still be on its way
	}
	if err := j.queue(record{Kind: kindFact, Key: key, Value: value}); err != nil {
		return err
	}
	return j.durable(j.state.seq)
}

// Get is a fact's value, and whether it was ever set.
func (j *Journal) Get(key string) (string, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, ok := j.state.facts[valid(key)]
	return f.value, ok
}

// valid makes a text what JSON will read back.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
