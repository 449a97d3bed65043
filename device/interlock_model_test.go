package device

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wildLine is a line whose hardware fails, moves without saying so, and forgets.
type wildLine struct {
	mu    sync.Mutex
	name  string
	on    bool // the level that gives load on
	level bool
	known bool
	rnd   *rand.Rand
	wild  int // percent of the Sets that go wrong
	log   *edgeLog
}

// edgeLog holds every load that ever came or went, in order.
type edgeLog struct {
	mu   sync.Mutex
	all  []loadEdge
	dead time.Duration
	t    *testing.T
}

type loadEdge struct {
	name string
	on   bool
	at   time.Time
	why  string
}

// add holds each edge against all before it: one load at most, dead time kept.
func (l *edgeLog) add(e loadEdge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]loadEdge{}
	for _, b := range l.all {
		last[b.name] = b
	}
	for name, b := range last {
		switch {
		case !e.on || name == e.name:
		case b.on:
			l.t.Errorf("%s goes on (%s) while %s is on (%s)", e.name, e.why, b.name, b.why)
		case e.at.Sub(b.at) < l.dead:
			l.t.Errorf("%s goes on (%s) %s after %s went off (%s)", e.name, e.why, e.at.Sub(b.at), b.name, b.why)
		}
	}
	l.all = append(l.all, e)
}

// handle is one run's grip on a line; a crash ends it.
type handle struct {
	*wildLine
	dead *atomic.Bool
}

func (h handle) Set(active bool, why string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead.Load() {
		return "", moved(false)
	}
	lies, moves := h.rnd.IntN(100) < h.wild, h.rnd.IntN(2) == 0
	if lies && !moves && h.rnd.IntN(2) == 0 {
		return "", moved(false)
	}
	if (!lies || moves) && h.level != active {
		h.level = active
		h.log.add(loadEdge{h.name, active == h.on, time.Now(), why})
	}
	if lies {
		h.known = h.rnd.IntN(2) == 0
		return "", moved(true)
	}
	h.known = true
	return "readback", nil
}

func (h handle) Active() (active, known bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead.Load() {
		return false, false, errFake
	}
	return h.level, h.known, nil
}

// journal is what the agent keeps: calls begun and not answered, and leases.
type journal struct {
	mu     sync.Mutex
	begun  map[string]Action
	leases map[string]string
}

func (j *journal) unfinished() (all []Unfinished) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for call, a := range j.begun {
		all = append(all, Unfinished{a.Target, a.Kind, call, true})
	}
	for target, call := range j.leases {
		all = append(all, Unfinished{target, KindLease, call, true})
	}
	return all
}

// world is a box that crashes and starts again over the same two lines.
type world struct {
	t     *testing.T
	rnd   *rand.Rand
	spec  Spec
	lines map[string]*wildLine
	j     *journal
	dead  *atomic.Bool
	box   *Box
	stop  func()
	open  sync.WaitGroup
	calls int
	done  atomic.Int64
}

func (w *world) OpenOutput(s OutputSpec) (Line, error) { return handle{w.lines[s.Name], w.dead}, nil }
func (w *world) OpenInput(InputSpec, func(bool)) (Level, error) {
	return nil, errFake
}

// start is the agent's start: open, settle, run.
func (w *world) start() {
	w.dead = new(atomic.Bool)
	w.box = New(w.spec, w, Options{LeaseChanged: func(target, call string, open bool) {
		w.j.mu.Lock()
		defer w.j.mu.Unlock()
		if delete(w.j.leases, target); open {
			w.j.leases[target] = call
		}
	}})
	w.box.Open(w.t.Context())
	left := w.j.unfinished()
	w.box.Settle(w.t.Context(), left)
	w.j.mu.Lock()
	clear(w.j.begun)
	w.j.mu.Unlock()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	over := make(chan struct{})
	go func() { _ = w.box.Run(ctx); close(over) }()
	w.stop = func() { cancel(); <-over }
}

// crash lets go of the lines in the middle of everything.
func (w *world) crash() {
	w.dead.Store(true)
	w.stop()
	w.open.Wait()
	w.start()
}

func (w *world) call() {
	w.calls++
	id := fmt.Sprint("m", w.calls)
	verbs := []string{"on", "on", "off", "pulse", "cycle", "on 2s", "pulse 300ms", "cycle 200ms", "read"}
	c, _ := ParseCommand([]string{"up ", "down "}[w.rnd.IntN(2)] + verbs[w.rnd.IntN(len(verbs))])
	disk := time.Duration(w.rnd.IntN(3)) * 20 * time.Millisecond
	box := w.box
	w.open.Go(func() {
		ans := box.Do(w.t.Context(), c, Meta{Call: id, Begin: func(_ context.Context, a Action) error {
			time.Sleep(disk)
			w.j.mu.Lock()
			defer w.j.mu.Unlock()
			w.j.begun[id] = a
			return nil
		}})
		w.j.mu.Lock()
		defer w.j.mu.Unlock()
		delete(w.j.begun, id)
		if ans.State == Done && c.Verb != "read" {
			w.done.Add(1)
		}
	})
}

func (w *world) step() {
	switch p := w.rnd.IntN(100); {
	case p < 3:
		w.box.PowerFail(w.t.Context(), true)
		w.box.PowerFail(w.t.Context(), false)
	case p < 5:
		_ = w.box.Safe(w.t.Context())
	case p < 8:
		w.crash()
	case p < 9:
		w.stop()
		w.open.Wait()
		w.start()
	default:
		w.call()
	}
	if w.rnd.IntN(4) > 0 {
		time.Sleep(time.Duration(w.rnd.IntN(700)) * time.Millisecond)
	}
}

// hardware.md 7, "interlock dead-time + hardware note": whatever is called,
// fails, crashes or loses its power, two loads are never on, and the dead time
// is kept, also across restarts.
func TestInterlockModel(t *testing.T) {
	on := func(c Contact) OutputSpec { return OutputSpec{Contact: c, Longest: time.Hour, Safe: LoadOn} }
	off := func(c Contact) OutputSpec { return OutputSpec{Contact: c, Longest: time.Hour, Safe: LoadOff} }
	for i, s := range []Spec{
		with(off(ContactNO), off(ContactNO)), with(off(ContactNC), off(ContactNC)), with(on(ContactNC), off(ContactNO)), with(on(ContactNO), off(ContactNC)),
	} {
		for _, wild := range []int{0, 20} {
			t.Run(fmt.Sprint(i, wild), func(t *testing.T) {
				bubble(t, func(t *testing.T) { playWorld(t, s, wild, uint64(10*i+wild)) })
			})
		}
	}
}

func playWorld(t *testing.T, s Spec, wild int, seed uint64) {
	s.Outputs = slices.Clone(s.Outputs)
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 4)), spec: s, lines: map[string]*wildLine{},
		j: &journal{begun: map[string]Action{}, leases: map[string]string{}}}
	log := &edgeLog{t: t, dead: s.Interlocks[0].DeadTime}
	for i, o := range s.Outputs {
		w.lines[o.Name] = &wildLine{name: o.Name, on: o.ActiveFor(LoadOn), level: o.ActiveFor(LoadOff), known: true,
			rnd: rand.New(rand.NewPCG(seed, uint64(i))), wild: wild, log: log}
	}
	w.start()
	for step := range 1000 {
		w.step()
		if step%100 == 99 {
			w.quiesce()
		}
	}
	w.stop()
	t.Logf("%d edges, %d of %d calls done", len(log.all), w.done.Load(), w.calls)
	if len(log.all) < 200 || int(w.done.Load()) < w.calls/10 {
		t.Error("the model is too tame")
	}
}

// quiesce lets everything end, with hardware that works, and sees that nobody
// is stuck.
func (w *world) quiesce() {
	w.open.Wait()
	old := w.lines["up"].wild
	for _, l := range w.lines {
		l.mu.Lock()
		l.wild = 0
		l.mu.Unlock()
	}
	later(time.Minute)
	for _, text := range []string{"up on", "down on", "up cycle 1s", "down on", "up pulse 100ms", "down off", "up off"} {
		c, _ := ParseCommand(text)
		if ans := w.box.Do(w.t.Context(), c, Meta{Call: "q"}); ans.State != Done && !(c.Verb == "cycle" && ans.State == Refused) {
			w.t.Errorf("%s: %+v", text, ans)
		}
	}
	for _, l := range w.lines {
		l.mu.Lock()
		l.wild = old
		l.mu.Unlock()
	}
}
