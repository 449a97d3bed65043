package journal

import (
	"cmp"
	"maps"
	"slices"
)

const (
	// Remembered is the number of the newest ids that are never forgotten.
	// Calls that are not finished and reported are kept beyond it.
	Remembered = 4096
	// KeptResults bounds the results kept of reported calls, in bytes; the
	// oldest go first. About 8,000 results of our own agent.
	KeptResults = 2 << 20
)

// entry is what is kept in memory of one call.
type entry struct {
	id, container, data string
	sum                 digest
	state               State
	reported            bool
	begun               []Begun // one a target
	here                bool    // started by this process
	result              string
	seq                 uint64 // of its first record: its age
}

// started says that the target is known to have been started for this call.
func (e *entry) started(target string) bool {
	return slices.ContainsFunc(e.begun, func(b Begun) bool { return b.Target == target })
}

func (e *entry) settled() bool { return e.state == StateFinished && e.reported }

// kept is what counts towards KeptResults.
func (e *entry) kept() int {
	if !e.settled() {
		return 0
	}
	return len(e.result)
}

func (e *entry) public() Entry {
	out := Entry{
		Received: Received{ID: e.id, Container: e.container, Data: e.data},
		State:    e.state, Reported: e.reported,
	}
	if len(e.begun) > 0 {
		out.Begun = slices.Clone(e.begun)
	}
	if e.result != "" {
		out.Result = []byte(e.result)
	}
	return out
}

func (e *entry) record() record {
	r := record{
		Kind: kindEntry, Seq: e.seq, ID: e.id, Container: e.container, Sum: e.sum, Data: e.data,
		State: e.state, Result: e.result, Reported: e.reported,
	}
	if len(e.begun) > 0 {
		r.Begun, r.More = &e.begun[0], e.begun[1:]
	}
	return r
}

type fact struct {
	value string
	seq   uint64
}

// state is the meaning of the records so far.
type state struct {
	seq     uint64 // of the newest record
	whole   bool
	entries map[string]*entry // by folded id
	order   []*entry          // oldest first
	kept    int               // bytes of results of settled entries
	facts   map[string]fact
	leases  map[string]string // target → call
	maybe   map[string]string // lease started, not known as opened or closed
}

func newState() state {
	return state{
		entries: map[string]*entry{}, facts: map[string]fact{},
		leases: map[string]string{}, maybe: map[string]string{},
	}
}

// apply takes one record in; false: it means nothing, as if it were damaged.
// It bears missing records before it, and never takes a step back.
func (s *state) apply(r record) bool {
	switch r.Kind {
	case kindJournal:
		if r.Version != version {
			return false
		}
		s.whole = r.Whole
	case kindReceived, kindStarted, kindFinished, kindReported, kindEntry:
		if r.ID == "" {
			return false
		}
		s.applyCall(r)
	case kindLease:
		s.leases[r.Target] = r.Value
		delete(s.maybe, r.Target)
	case kindUnlease:
		delete(s.leases, r.Target)
		delete(s.maybe, r.Target)
	case kindFact:
		if old, ok := s.facts[r.Key]; !ok || old.seq <= r.Seq {
			s.facts[r.Key] = fact{value: r.Value, seq: r.Seq}
		}
	case kindOpened:
	default:
		return false
	}
	s.seq = max(s.seq, r.Seq)
	return true
}

func (s *state) applyCall(r record) {
	e := s.entries[fold(r.ID)]
	if e == nil {
		e = &entry{id: r.ID, container: r.Container, sum: r.Sum, state: StateReceived, seq: r.Seq}
		s.entries[fold(r.ID)] = e
		s.order = append(s.order, e)
	}
	s.kept -= e.kept()
	e.state = max(e.state, r.reached())
	e.data = cmp.Or(e.data, r.Data)
	e.result = cmp.Or(e.result, r.Result)
	e.reported = e.reported || r.Reported || r.Kind == kindReported
	if r.Begun != nil {
		s.begin(e, *r.Begun)
	}
	for _, b := range r.More {
		s.begin(e, b)
	}
	if e.state == StateFinished {
		e.data, e.begun = "", nil
	}
	s.kept += e.kept()
	s.forget()
}

// begin adds a target to those that the call started.
func (s *state) begin(e *entry, b Begun) {
	if !e.started(b.Target) {
		e.begun = append(e.begun, b) // only ever longer: copies share it without the lock
	}
	if b.Kind == "lease" {
		s.maybe[b.Target] = e.id
	}
}

// forget holds the bounds: beyond the newest ids the settled ones go, and the
// oldest results of settled ones.
func (s *state) forget() {
	for old := len(s.order) - Remembered; old > 0; old-- {
		i := slices.IndexFunc(s.order[:old], (*entry).settled)
		if i < 0 {
			break
		}
		e := s.order[i]
		s.kept -= e.kept()
		delete(s.entries, fold(e.id))
		s.order = slices.Delete(s.order, i, i+1)
	}
	for s.kept > KeptResults {
		i := slices.IndexFunc(s.order, func(e *entry) bool { return e.kept() > 0 })
		s.kept -= s.order[i].kept()
		s.order[i].result = ""
	}
}

// doubt is the safe reading after bytes were dropped: what they held may have
// been a Started or a LeaseOpened.
func (s *state) doubt() {
	for _, e := range s.order {
		e.state = max(e.state, StateStarted)
	}
	maps.Copy(s.leases, s.maybe)
}

// merge takes in what a fallback held. One that went on from all that the dir
// held is newer, or, when the dir went on since, was merged before.
func (s *state) merge(other state) {
	if other.whole && other.seq < s.seq {
		return
	}
	if other.whole {
		s.leases, s.maybe = map[string]string{}, map[string]string{}
	}
	for r := range other.records() {
		s.apply(r)
	}
	s.seq = max(s.seq, other.seq)
	s.whole = s.whole || other.whole
	slices.SortStableFunc(s.order, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
}

// records is all that must survive, as records.
func (s *state) records() func(yield func(record) bool) {
	return func(yield func(record) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.facts)) {
			f := s.facts[key]
			if !yield(record{Kind: kindFact, Seq: f.seq, Key: key, Value: f.value}) {
				return
			}
		}
		for _, target := range slices.Sorted(maps.Keys(s.leases)) {
			if !yield(record{Kind: kindLease, Target: target, Value: s.leases[target]}) {
				return
			}
		}
		for _, e := range s.order {
			if !yield(e.record()) {
				return
			}
		}
	}
}

// copy is the state at this moment, for a reader without the lock.
func (s *state) copy() state {
	c := *s
	c.facts, c.leases = maps.Clone(s.facts), maps.Clone(s.leases)
	c.entries, c.maybe = nil, nil
	flat := make([]entry, len(s.order))
	c.order = make([]*entry, len(s.order))
	for i, e := range s.order {
		flat[i] = *e
		c.order[i] = &flat[i]
	}
	return c
}

// file is the state as a whole new journal.
func (s *state) file() ([]byte, error) {
	b, err := appendRecord(nil, record{Kind: kindJournal, Version: version, Whole: s.whole, Seq: s.seq})
	for r := range s.records() {
		if err != nil {
			return nil, err
		}
		b, err = appendRecord(b, r)
	}
	return b, err
}
