package journal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	testDir = "/state"
	testRun = "/run/longarm"
)

func memOptions(d *memDisk) Options {
	return Options{Fallback: testRun, Owner: "longarm-agent run, pid 1", disk: d, slack: 1500}
}

func mustOpen(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return j
}

// promise is what was tried for one call, and what the journal has said yes to
// while it was what counts says.
type promise struct {
	Received
	begun  []Begun // tried
	sure   []Begun // kept
	result string
	tried  State
	kept   State
}

// script runs calls through a journal and keeps book of what it promised.
type script struct {
	t       testing.TB
	j       *Journal
	counts  func() bool // is a nil error a promise now
	after   func()      // after every step
	calls   map[string]*promise
	facts   map[string][]string // values that it may have
	sure    map[string]bool     // facts that it must have
	opened  map[string]string   // leases whose call was kept as finished
	touched map[string]bool     // leases that were closed, or tried so
}

func newScript(t testing.TB, j *Journal) *script {
	return &script{
		t: t, j: j, counts: func() bool { return true }, after: func() {},
		calls: map[string]*promise{}, facts: map[string][]string{}, sure: map[string]bool{}, opened: map[string]string{}, touched: map[string]bool{},
	}
}

func (s *script) received(id string) *promise {
	p := &promise{Received: Received{ID: id, Container: "7602C7E0-box", Data: "router cycle 10s <&> " + id}, tried: StateReceived}
	s.calls[id] = p
	if _, dup, err := s.j.Received(p.Received); dup || err != nil {
		s.t.Fatalf("received %s: dup %v, %v", id, dup, err)
	}
	s.after()
	return p
}

func (s *script) started(p *promise, kind string) {
	s.startedAt(p, "t-"+p.ID, kind)
}

// startedAt starts one of several targets.
func (s *script) startedAt(p *promise, target, kind string) {
	b := Begun{Target: target, Verb: "cycle", Kind: kind, BootID: "b00t", Deadline: 90 * time.Second}
	p.begun = append(slices.Clip(p.begun), b)
	p.tried = StateStarted
	if err := s.j.Started(p.ID, b); err == nil && s.counts() {
		p.kept = StateStarted
		p.sure = append(slices.Clip(p.sure), b)
	}
	s.after()
}

func (s *script) finished(p *promise) {
	p.result = fmt.Sprintf(`{"success":true,"message":"done %s \u2028 ü","data":{"state":"done","edges":[{"active":true,"at_ms":0}]}}`, p.ID)
	p.tried = StateFinished
	if err := s.j.Finished(p.ID, []byte(p.result)); err == nil && s.counts() {
		p.kept = StateFinished
	}
	s.after()
}

func (s *script) reported(p *promise) {
	if err := s.j.Reported(p.ID); err != nil {
		s.t.Errorf("reported %s: %v", p.ID, err)
	}
	s.after()
}

func (s *script) set(key, value string) {
	s.facts[key] = append(s.facts[key], value)
	if err := s.j.Set(key, value); err == nil && s.counts() {
		s.facts[key], s.sure[key] = []string{value}, true
	}
	s.after()
}

func (s *script) lease(p *promise) {
	s.started(p, "lease")
	if err := s.j.LeaseOpened("t-"+p.ID, p.ID); err != nil {
		s.t.Errorf("lease: %v", err)
	}
	s.after()
	s.finished(p)
	if p.kept == StateFinished {
		s.opened["t-"+p.ID] = p.ID
	}
}

func (s *script) leaseClosed(p *promise) {
	s.touched["t-"+p.ID] = true
	if err := s.j.LeaseClosed("t-" + p.ID); err != nil {
		s.t.Errorf("lease closed: %v", err)
	}
	s.after()
}

// run is a day of a small box: all states, leases, facts, in some disorder.
func (s *script) run(rounds int) {
	s.set("instance", "i-4711")
	for i := range rounds {
		id := func(what string) string { return fmt.Sprintf("%s-%d", what, i) }
		done := s.received(id("done"))
		waiting := s.received(id("waiting"))
		s.started(done, "cycle")
		lease := s.received(id("lease"))
		s.lease(lease)
		s.finished(done)
		s.reported(done)
		running := s.received(id("running"))
		s.started(running, "pulse")
		rack := s.received(id("rack"))
		s.started(rack, "cycle")
		s.startedAt(rack, "t-two", "cycle")
		s.reported(lease)
		s.startedAt(rack, "t-three", "steady")
		s.set("epoch", fmt.Sprint(i))
		if i%2 == 1 {
			s.leaseClosed(lease)
		}
		refused := s.received(id("refused"))
		s.finished(refused)
		if i%3 == 0 {
			s.finished(running)
			s.finished(rack)
			s.started(waiting, "steady")
		}
	}
}

// began holds what is left of the started targets against the book.
func (p *promise) began(e Entry, whole bool) error {
	has := func(list []Begun, b Begun) bool { return slices.Contains(list, b) }
	for i, b := range e.Begun {
		if !has(p.begun, b) || has(e.Begun[:i], b) {
			return fmt.Errorf("began altered: %+v", e.Begun)
		}
	}
	for _, b := range p.sure {
		if whole && e.State == StateStarted && !has(e.Begun, b) {
			return fmt.Errorf("began with %+v, which lacks %s", e.Begun, b.Target)
		}
	}
	return nil
}

// check holds a reopened journal against the book. whole: nothing was damaged,
// so all promises hold; else only: what is there is true.
func (s *script) check(j *Journal, whole bool) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, p := range s.calls {
		e, ok := j.Lookup(p.ID)
		if !ok {
			if p.kept != 0 && whole {
				bad("%s is forgotten, want %v", p.ID, p.kept)
			}
			continue
		}
		if whole && e.State < p.kept || e.State > max(p.tried, StateStarted) {
			bad("%s is %v, kept %v, tried %v", p.ID, e.State, p.kept, p.tried)
		}
		if e.ID != p.ID || e.Container != p.Container || e.Data != "" && e.Data != p.Data {
			bad("%s is altered: %+v", p.ID, e.Received)
		}
		if err := p.began(e, whole); err != nil {
			bad("%s %v", p.ID, err)
		}
		if got := string(e.Result); got != p.result && (got != "" || whole && e.State == StateFinished) {
			bad("%s has result %q, want %q", p.ID, got, p.result)
		}
		if _, dup, err := j.Received(p.Received); !dup || err != nil {
			bad("%s again: dup %v, %v", p.ID, dup, err)
		}
		if _, _, err := j.Received(Received{ID: p.ID, Container: p.Container, Data: "pump on"}); !errors.Is(err, ErrReused) {
			bad("%s for other data: %v", p.ID, err)
		}
	}
	for _, e := range j.entries(func(*entry) bool { return true }) {
		if s.calls[e.ID] == nil {
			bad("an entry nobody made: %+v", e)
		}
	}
	for key, values := range s.facts {
		got, ok := j.Get(key)
		if !ok && whole && s.sure[key] || ok && !slices.Contains(values, got) {
			bad("fact %s is %q, want one of %q", key, got, values)
		}
	}
	leases := j.Leases()
	for target, call := range s.opened {
		if got := leases[target]; whole && got != call && !s.touched[target] {
			bad("lease of %s is %q, want %q", target, got, call)
		}
	}
	return errors.Join(errs...)
}
