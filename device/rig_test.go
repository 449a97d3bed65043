package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeLine records its edges; it can fail, block, forget its level and vanish.
type fakeLine struct {
	mu    sync.Mutex
	level bool
	known bool
	edges []fakeEdge
	sets  int
	fail  func(n int, active bool) error // asked at the n-th Set, from 1; an error moves nothing
	block chan struct{}                  // Set waits until it is closed
	proof string
}

type fakeEdge struct {
	active bool
	why    string
	at     time.Time
}

func (l *fakeLine) Set(active bool, why string) (string, error) {
	l.mu.Lock()
	block := l.block
	l.mu.Unlock()
	if block != nil {
		<-block
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets++
	if l.fail != nil {
		if err := l.fail(l.sets, active); err != nil {
			return "", err
		}
	}
	if l.level != active {
		l.edges = append(l.edges, fakeEdge{active, why, time.Now()})
	}
	l.level, l.known = active, true
	return l.proof, nil
}

func (l *fakeLine) Active() (active, known bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level, l.known, nil
}

func (l *fakeLine) isActive() bool {
	active, _, _ := l.Active()
	return active
}

func (l *fakeLine) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// trace is the edges so far: "+call c1" up, "-call c1" down.
func (l *fakeLine) trace() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s []string
	for _, e := range l.edges {
		s = append(s, map[bool]string{true: "+", false: "-"}[e.active]+e.why)
	}
	return strings.Join(s, ", ")
}

// slowLine is a fakeLine that proves slowly, as a channel of a board.
type slowLine struct {
	*fakeLine
	takes  time.Duration
	fault  error // of Prove
	proves int
	news   chan struct{}
	gone   error // of Active
}

func (l *slowLine) Changes() <-chan struct{} { return l.news }

func (l *slowLine) Active() (active, known bool, err error) {
	active, known, _ = l.fakeLine.Active()
	l.mu.Lock()
	defer l.mu.Unlock()
	return active, known && l.gone == nil, l.gone
}

func (l *slowLine) Prove(bool) (string, error) {
	time.Sleep(l.takes)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proves++
	return "readback", l.fault
}

func (l *slowLine) Read() (active, known bool, proof string, err error) {
	active, known, err = l.Active()
	return active, known, "readback", err
}

// moved is an error that knows whether the line may have moved.
type moved bool

func (m moved) Error() string   { return fmt.Sprintf("fake trouble, moved %t", bool(m)) }
func (m moved) Uncertain() bool { return bool(m) }

var errFake = errors.New("fake trouble")

type fakeInput struct {
	mu     sync.Mutex
	active bool
	err    error
	edge   func(bool)
}

func (in *fakeInput) Active() (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.active, in.err
}

func (in *fakeInput) move(active bool) {
	in.mu.Lock()
	in.active = active
	in.mu.Unlock()
	in.edge(active)
}

// rig is a box over fake hardware, inside a synctest bubble.
type rig struct {
	t        *testing.T
	box      *Box
	lines    map[string]*fakeLine
	slow     map[string]*slowLine // opened in place of the fakeLine
	inputs   map[string]*fakeInput
	broken   map[string]error
	adopters map[string]Line       // opened in place of the fakeLine
	asked    map[string]OutputSpec // what each line was opened for
	told     []string              // by the clerk
	mu       sync.Mutex
	stop     func() error
	n        int
}

func (r *rig) OpenOutput(s OutputSpec) (Line, error) {
	if err := r.broken[s.Name]; err != nil {
		return nil, err
	}
	r.asked[s.Name] = s
	if l := r.adopters[s.Name]; l != nil {
		return l, nil
	}
	if l := r.slow[s.Name]; l != nil {
		return l, nil
	}
	return r.lines[s.Name], nil
}

func (r *rig) OpenInput(s InputSpec, edge func(bool)) (Level, error) {
	if err := r.broken[s.Name]; err != nil {
		return nil, err
	}
	r.inputs[s.Name].edge = edge
	return r.inputs[s.Name], nil
}

// newRig makes lines at their safe level; change them, then open and run.
func newRig(t *testing.T, spec Spec) *rig {
	r := &rig{t: t, lines: map[string]*fakeLine{}, slow: map[string]*slowLine{}, inputs: map[string]*fakeInput{}, broken: map[string]error{}, asked: map[string]OutputSpec{}}
	for _, s := range spec.Outputs {
		r.lines[s.Name] = &fakeLine{level: s.SafeActive(), known: true, proof: "readback"}
	}
	for _, s := range spec.Inputs {
		r.inputs[s.Name] = &fakeInput{}
	}
	if spec.Lockout != nil {
		r.inputs["lockout"] = &fakeInput{}
	}
	r.box = New(spec, r, Options{LeaseChanged: func(target, call string, open bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, fmt.Sprintf("%s %s %t", target, call, open))
	}})
	return r
}

func (r *rig) makeSlow(name string) *slowLine {
	r.lines[name].proof = "sent"
	l := &slowLine{fakeLine: r.lines[name], takes: 300 * time.Millisecond, news: make(chan struct{}, 1)}
	r.slow[name] = l
	return l
}

// open opens the box without running it.
func (r *rig) open() *rig {
	if errs := r.box.Open(r.t.Context()); len(errs) != len(r.broken) {
		r.t.Fatalf("open: got %v, want %d errors", errs, len(r.broken))
	}
	return r
}

// run runs an opened box until stop, at the latest at the end of the test.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	over := make(chan error, 1)
	go func() { over <- r.box.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-over })
	r.t.Cleanup(func() { _ = r.stop() })
	return r
}

// one is a running box with one output.
func one(t *testing.T, s OutputSpec) (*rig, *fakeLine) {
	r := newRig(t, Spec{Outputs: []OutputSpec{s}})
	return r.open().run(), r.lines[s.Name]
}

func (r *rig) command(text string) Command {
	c, err := ParseCommand(text)
	if err != nil {
		r.t.Errorf("parse %q: %v", text, err)
	}
	return c
}

// do obeys text as call c1, c2, … and waits for the answer.
func (r *rig) do(text string) Answer { return <-r.send(text, Meta{}) }

// send obeys text in the background.
func (r *rig) send(text string, m Meta) <-chan Answer {
	if m.Call == "" {
		r.n++
		m.Call = fmt.Sprintf("c%d", r.n)
	}
	c := r.command(text)
	answers := make(chan Answer, 1)
	go func() { answers <- r.box.Do(r.t.Context(), c, m) }()
	return answers
}

func (r *rig) want(got Answer, state, detail string) Answer {
	r.t.Helper()
	if got.State != state || !strings.HasPrefix(got.Detail, detail) {
		r.t.Errorf("%s %s: got %s %q, want %s %q", got.Target, got.Verb, got.State, got.Detail, state, detail)
	}
	return got
}

func wantTrace(t *testing.T, l *fakeLine, want string) {
	t.Helper()
	if got := l.trace(); got != want {
		t.Errorf("edges: got %q, want %q", got, want)
	}
}

// later lets time pass and everything due in it happen.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// leases is what the journal was told so far.
func (r *rig) leases() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// between is the time from one recorded edge to the next.
func (l *fakeLine) between(i, j int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if max(i, j) >= len(l.edges) {
		return -1
	}
	return l.edges[j].at.Sub(l.edges[i].at)
}

func (r *rig) reported(name string) TargetState {
	states := r.box.Report()
	i := slices.IndexFunc(states, func(s TargetState) bool { return s.Name == name })
	if i < 0 {
		r.t.Fatalf("report lacks %s", name)
	}
	return states[i]
}
