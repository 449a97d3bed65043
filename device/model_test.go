package device

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// model is a box under random commands, with the hardware failing now and then.
type model struct {
	*rig
	rnd      *rand.Rand
	open     atomic.Int64 // callers without an answer
	answers  map[string]int
	kinds    map[string]string // of a call's action, by the why of its edges
	details  sync.Map          // of a call's answer, by the same
	finished chan Answer
}

var modelSpec = Spec{
	PowerFail: &PowerFailSpec{Outputs: "hold"},
	Outputs: []OutputSpec{
		{Name: "a", Longest: 10 * time.Minute, PowerFail: "safe"},
		{Name: "b", Longest: 10 * time.Minute, Contact: ContactNC, MinDwell: 50 * time.Millisecond},
		{Name: "c", Longest: 10 * time.Minute, MaxOn: 2 * time.Minute, MaxPerHour: 500},
	},
}

// step does one random thing.
func (m *model) step() {
	name := string(rune('a' + m.rnd.IntN(3)))
	line := m.lines[name]
	switch p := m.rnd.IntN(100); {
	case p < 3:
		m.box.PowerFail(m.t.Context(), true)
		m.box.PowerFail(m.t.Context(), false)
	case p < 5:
		_ = m.box.Safe(m.t.Context())
	case p < 10:
		line.set(func() { line.fail = failing(errFake, line.sets+1, line.sets+1+m.rnd.IntN(3)) })
	case p < 13:
		line.set(func() { line.fail = failing(moved(m.rnd.IntN(2) == 0), line.sets+1, line.sets+2) })
	case p < 16: // the hardware hangs for a while
		gate := make(chan struct{})
		line.set(func() { line.block = gate })
		time.AfterFunc(time.Duration(m.rnd.IntN(2000))*time.Millisecond, func() {
			line.set(func() { line.block = nil })
			close(gate)
		})
	default:
		m.call(name)
	}
}

func (m *model) call(name string) {
	width := time.Duration(1+m.rnd.IntN(3000)) * time.Millisecond
	verbs := []string{"on", "off", "on", "pulse", "cycle", "read", "on " + width.String(), "pulse " + width.String(), "cycle " + width.String(), "fly"}
	c := m.command(name + " " + verbs[m.rnd.IntN(len(verbs))])
	ctx, cancel := context.WithCancel(m.t.Context())
	if m.rnd.IntN(5) == 0 {
		time.AfterFunc(time.Duration(m.rnd.IntN(500))*time.Millisecond, cancel)
	}
	disk, bad, late := time.Duration(m.rnd.IntN(3))*10*time.Millisecond, m.rnd.IntN(20) == 0, m.rnd.IntN(20) == 0
	m.n++
	meta := Meta{Call: fmt.Sprint("m", m.n),
		Begin: func(context.Context, Action) error {
			time.Sleep(disk)
			if bad {
				return errors.New("no disk")
			}
			return nil
		},
		Fresh: func() error {
			if late {
				return errors.New("expired")
			}
			return nil
		}}
	if i := slices.IndexFunc(m.box.outputs, func(o *output) bool { return o.spec.Name == name }); i >= 0 {
		a, _ := m.box.outputs[i].spec.action(c)
		m.kinds["call "+meta.Call] = a.Kind
	}
	m.open.Add(1)
	go func() {
		defer cancel()
		answer := m.box.Do(ctx, c, meta)
		if c.Verb == "on" && len(c.Args) == 0 && answer.State == Done && len(answer.Edges) == 0 {
			m.details.Store("steady "+name, time.Now())
		}
		m.details.Store("call "+meta.Call, answer.Detail)
		m.finished <- answer
		m.open.Add(-1)
	}()
}

// check holds the invariants when nothing is under way any more.
func (m *model) check(step int) {
	if n := m.open.Load(); n != 0 {
		m.t.Fatalf("step %d: %d callers got no answer", step, n)
	}
	for _, o := range m.box.outputs {
		line := m.lines[o.spec.Name]
		last := true
		for i, e := range line.edges {
			if i > 0 && e.active == last {
				m.t.Fatalf("step %d: %s: two edges to the same level: %s", step, o.spec.Name, line.trace())
			}
			last = e.active
		}
		if n := len(line.edges); n > 0 {
			m.settledBy(step, o, line.edges[n-1])
		}
		s := m.reported(o.spec.Name)
		if s.Active != line.isActive() || strings.Contains(s.Detail, "not there yet") {
			m.t.Fatalf("step %d: report says %+v, line is active %t", step, s, line.isActive())
		}
	}
}

// settledBy checks that the last edge of a line is not one of those that
// something must follow.
func (m *model) settledBy(step int, o *output, last fakeEdge) {
	kind := m.kinds[last.why]
	if detail, _ := m.details.Load(last.why); kind == KindCycle && last.active == o.spec.SafeActive() && detail != "" {
		return // ended by a move to where it was already
	}
	if at, ok := m.details.Load("steady " + o.spec.Name); ok && kind == KindLease && !at.(time.Time).Before(last.at) {
		return // a plain on has made it steady
	}
	if kind == KindPulse && last.active || kind == KindCycle && o.spec.LoadFor(last.active) == LoadOff ||
		kind == KindLease && last.active != o.spec.SafeActive() {
		m.t.Fatalf("step %d: %s is left active %t by a %s, %s", step, o.spec.Name, last.active, kind, last.why)
	}
}

func TestModel(t *testing.T) { model2000(t, 1) }

func model2000(t *testing.T, seed uint64) {
	const commands = 2000
	bubble(t, func(t *testing.T) {
		m := &model{rig: newRig(t, modelSpec), rnd: rand.New(rand.NewPCG(seed, 2)), finished: make(chan Answer, commands), answers: map[string]int{}, kinds: map[string]string{}}
		m.rig.open().run()
		for step := range commands {
			m.step()
			if m.rnd.IntN(4) > 0 {
				time.Sleep(time.Duration(m.rnd.IntN(400)) * time.Millisecond)
			}
			if step%50 == 49 {
				m.quiesce(step)
			}
		}
		for _, state := range []string{Done, Refused, Failed, Unknown, Expired} {
			if m.answers[state] == 0 {
				t.Errorf("no call was answered %s: the model is too tame", state)
			}
		}
		t.Log(m.answers)
	})
}

// quiesce lets everything end, checks, and sees that each line still obeys.
func (m *model) quiesce(step int) {
	later(10 * time.Minute)
	for len(m.finished) > 0 {
		m.tally(<-m.finished)
	}
	m.check(step)
	for _, o := range m.box.outputs {
		line := m.lines[o.spec.Name]
		line.set(func() { line.fail = nil })
		off, on := o.spec.Name+" off", o.spec.Name+" on"
		m.want(m.do(on), Done, "")
		later(time.Second)
		m.want(m.do(o.spec.Name+" cycle 1s"), Done, "")
		later(time.Second)
		m.want(m.do(off), Done, "")
		later(time.Second)
		m.want(m.do(o.spec.Name+" pulse 1s"), Done, "")
		if line.isActive() {
			m.t.Fatalf("step %d: %s is active after a pulse", step, o.spec.Name)
		}
		later(time.Hour)
	}
}

// tally counts an answer, and holds each against what it says itself.
func (m *model) tally(a Answer) {
	m.answers[a.State]++
	edges := len(a.Edges)
	switch {
	case a.State == Refused || a.State == Expired:
		if edges != 0 {
			m.t.Errorf("%+v: moved", a)
		}
	case a.State == Done && (a.Verb == "pulse" || a.Verb == "cycle"):
		if edges == 0 || edges > 2 || a.Edges[edges-1].Active != a.Active || a.Verb == "pulse" && a.Active || a.Verb == "cycle" && a.Load != "on" {
			m.t.Errorf("%+v: want the edge back as the last word", a)
		}
	case a.State == Done && a.Verb != "read" && a.Load != a.Verb:
		m.t.Errorf("%+v: load is not as asked", a)
	}
	for i := 1; i < edges; i++ {
		if a.Edges[i].Active == a.Edges[i-1].Active || a.Edges[i].AtMS < a.Edges[i-1].AtMS {
			m.t.Errorf("%+v: edges do not alternate", a)
		}
	}
}
