package board_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board"
	"longarm/device/board/boardsim"
)

// TestWhatABoxReportsIsSo is TestWhatIsReportedIsSo as the agent sees it, with a
// Box and a journal: after any calls, faults, stops and crashes of the agent's
// side each output is where the Box reports it, or the Box says that nobody
// knows; a call that says that nothing moved is right; and when all is well
// again everything is known and nothing is left in the middle.
func TestWhatABoxReportsIsSo(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 5
	}
	for _, f := range board.Families() {
		t.Run(f.Name, func(t *testing.T) {
			for seed := range seeds {
				synctest.Test(t, func(t *testing.T) {
					w := newSite(t, f, seed)
					for range 60 {
						if w.step(); !t.Failed() {
							w.look()
						}
						if t.Failed() {
							break
						}
					}
					w.heal()
					w.now.end(true)
					if t.Failed() {
						t.Fatalf("%s, seed %d, %s, steps:\n%s", f.Name, seed, w.kind(), strings.Join(w.steps, "\n"))
					}
				})
			}
		})
	}
}

// site is boards of a family on a cable, with a load at each of two contacts,
// and the agent's side of it.
type site struct {
	t      *testing.T
	r      *rand.Rand
	family board.Family
	cable  *boardsim.Cable
	sims   []*boardsim.Board
	outs   []*relay
	now    *life
	calls  sync.WaitGroup
	began  time.Time

	gentle bool // no byte is lost without a word
	loose  bool // of the family some never tell: then "sent" is all there is
	brief  bool // no call leaves a relay driven: at the end none is

	mu    sync.Mutex
	steps []string
	n     int // calls so far
}

// relay is one output and what a test knows of it.
type relay struct {
	spec  device.OutputSpec
	board int
	unfed bool      // its board had no power since it was asked
	timed time.Time // until then a board's own timer may move it

	// Under site.mu.
	moves int // of the coil
	cuts  int // of the power
	calls int // that are not answered
}

func newSite(t *testing.T, f board.Family, seed uint64) *site {
	w := &site{t: t, r: rand.New(rand.NewPCG(seed, 11)), family: f, began: time.Now(),
		gentle: seed%3 == 0, brief: seed%2 == 0, loose: f.Name == "lcus" || f.Name == "c0135"}
	boards := 1
	if f.Bus {
		boards = 2
	}
	for i := range boards {
		w.addBoard(i, seed)
	}
	w.cable = boardsim.NewCable(w.sims...)
	w.now = w.live(newMemory())
	return w
}

func (w *site) addBoard(i int, seed uint64) {
	f := w.family
	sim, err := boardsim.New(f.Name, w.size(), w.unit(i), boardsim.Quirks{
		TooFast: f.Gap, Stale: f.Name == "lcus", Silent: seed%6 == 5 && f.Name == "lcus", NoEcho: seed%7 == 3,
		Loop: f.Bus && seed%5 == 1, LateTimers: time.Duration(w.r.IntN(150)) * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	first := len(w.outs)
	for _, contact := range []device.Contact{device.ContactNO, device.ContactNC} {
		n := len(w.outs) - first + 1
		w.outs = append(w.outs, &relay{board: i, spec: device.OutputSpec{
			Name: fmt.Sprintf("b%d-%s", i+1, contact), Board: fmt.Sprint(i), Channel: n, Contact: contact,
		}})
	}
	sim.Watch(func(channel int, _ bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if channel <= 2 {
			w.outs[first+channel-1].moves++
		}
	})
	w.sims = append(w.sims, sim)
}

func (w *site) size() int {
	if w.family.Sizes == nil {
		return 3
	}
	return w.family.Sizes[len(w.family.Sizes)/2]
}

func (w *site) unit(i int) int {
	if i > 0 {
		return i + 1
	}
	return w.family.Unit
}

func (w *site) kind() string { return fmt.Sprintf("gentle %t, brief %t", w.gentle, w.brief) }

func (w *site) note(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, fmt.Sprintf("%9s  ", time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, a...))
}

// step does something at random.
func (w *site) step() {
	i := w.r.IntN(len(w.sims))
	n := 1 + w.r.IntN(4)
	quirk := func(what string, f func(q *boardsim.Quirks)) {
		if !w.gentle {
			w.note("board %d: %s", i+1, what)
			w.sims[i].Quirk(f)
		}
	}
	switch w.r.IntN(32) {
	case 0:
		w.note("unplug")
		w.cable.Unplug()
	case 1, 2, 3, 4:
		w.note("plug")
		w.cable.Plug()
	case 5:
		w.note("fall out in %d bytes", 3*n)
		w.cable.FallOut(3 * n)
	case 6, 7:
		w.crash()
	case 8:
		w.restart()
	case 9:
		quirk(fmt.Sprint("lose ", n), func(q *boardsim.Quirks) { q.Lost = n })
	case 10:
		quirk(fmt.Sprint("noise ", n), func(q *boardsim.Quirks) { q.Noise = n })
	case 11:
		quirk(fmt.Sprint("bad sum ", n), func(q *boardsim.Quirks) { q.BadSum = n })
	case 12:
		quirk("dead", func(q *boardsim.Quirks) { q.Dead = true })
	case 13, 14, 15, 16:
		quirk("alive", func(q *boardsim.Quirks) { q.Dead = false })
	case 17:
		w.powerCycle(i)
	case 18, 19:
		d := time.Duration(w.r.IntN(12_000)) * time.Millisecond
		w.note("wait %s", d)
		time.Sleep(d)
	default:
		w.call(w.outs[w.r.IntN(len(w.outs))])
	}
}

func (w *site) crash() {
	w.note("crash")
	w.now.end(false)
	w.now = w.live(w.now.memory)
}

func (w *site) restart() {
	w.note("stop")
	w.now.end(true)
	w.note("start")
	w.now = w.live(w.now.memory)
}

// powerCycle takes power from a board: what it forgets nobody can know before
// it was asked.
func (w *site) powerCycle(i int) {
	w.note("board %d: power cycle", i+1)
	w.sims[i].PowerCycle()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.outs {
		if o.board == i {
			o.unfed = true
			o.cuts++
		}
	}
}

// call makes a call to an output, and waits for its answer or not.
func (w *site) call(o *relay) {
	text := o.spec.Name + " " + w.verb(o)
	c, err := device.ParseCommand(text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.n++
	id := fmt.Sprint("c", w.n)
	alone := o.calls == 0
	o.calls++
	w.mu.Unlock()
	alone = alone && w.reported(o).Detail == "" && time.Now().After(o.timed)
	if c.Verb == "pulse" || c.Verb == "cycle" {
		o.timed = time.Now().Add(30 * time.Second) // it may wait for its turn
	}
	l := w.now
	w.note("%s: %s", id, text)
	w.calls.Go(func() { w.do(l, o, c, id, alone) })
	synctest.Wait()
	if w.r.IntN(3) > 0 {
		time.Sleep(time.Duration(w.r.IntN(3000)) * time.Millisecond)
	}
}

// do is the call, in a goroutine of its own.
func (w *site) do(l *life, o *relay, c device.Command, id string, alone bool) {
	w.mu.Lock()
	moves, cuts := o.moves, o.cuts
	w.mu.Unlock()
	begin := func(_ context.Context, a device.Action) error {
		l.memory.write(func() {
			l.memory.begun[id] = device.Unfinished{Target: a.Target, Kind: a.Kind, Call: id, SameBoot: true}
		})
		return nil
	}
	ans := l.box.Do(context.WithoutCancel(w.t.Context()), c, device.Meta{Call: id, Begin: begin})
	l.memory.write(func() { delete(l.memory.begun, id) })
	w.note("%s: %s %s %v %s", id, ans.State, ans.Proof, ans.Edges, ans.Detail)
	w.mu.Lock()
	defer w.mu.Unlock()
	o.calls--
	still := ans.State == device.Refused || ans.State == device.Expired || strings.HasPrefix(ans.Detail, "the line did not move")
	if still && alone && o.calls == 0 && o.cuts == cuts && o.moves != moves {
		w.t.Errorf("%s moved, though %s says %s: %s", o.spec.Name, id, ans.State, ans.Detail)
	}
}

// verb is one at random; a brief one leaves no relay driven for long.
func (w *site) verb(o *relay) string {
	width := fmt.Sprintf("%dms", 100+w.r.IntN(6000))
	verbs := []string{"read", "pulse " + width, "cycle " + width, "on 15s", "off", "on"}
	switch {
	case w.brief && o.spec.Contact == device.ContactNC:
		verbs = []string{"read", "pulse " + width, "cycle " + width, "cycle " + width, "on"}
	case w.brief:
		verbs = []string{"read", "pulse " + width, "on 15s", "on 2s", "off"}
	}
	return verbs[w.r.IntN(len(verbs))]
}

func (w *site) reported(o *relay) (s device.TargetState) {
	for _, s = range w.now.box.Report() {
		if s.Name == o.spec.Name {
			break
		}
	}
	return s
}

// look holds the report against the coils: at once where nothing is going on,
// else as soon as what goes on had its time.
func (w *site) look() {
	w.now.settled()
	for _, o := range w.outs {
		if o.unfed && !w.fed(o) {
			continue
		}
		wrong, idle := w.wrong(o)
		for range 15 { // a talk, its turn and the next try
			if wrong == "" || idle {
				break
			}
			time.Sleep(time.Second)
			wrong, idle = w.wrong(o)
		}
		if wrong != "" {
			w.t.Errorf("at %s, idle %t: %s", time.Since(w.began), idle, wrong)
		}
	}
}

// fed asks a board that had no power.
func (w *site) fed(o *relay) bool {
	if ans := w.ask(o); ans.State == device.Done && ans.Proof == board.Readback {
		o.unfed = false
	}
	return !o.unfed
}

func (w *site) ask(o *relay) device.Answer {
	return w.now.box.Do(context.WithoutCancel(w.t.Context()), device.Command{Target: o.spec.Name, Verb: "read"}, device.Meta{Call: "look"})
}

// wrong is what is reported and not so, "" = nothing is; idle says that nothing
// is going on that would explain it.
func (w *site) wrong(o *relay) (what string, idle bool) {
	synctest.Wait()
	s := w.reported(o)
	coil := w.sims[o.board].Active(o.spec.Channel)
	w.mu.Lock()
	defer w.mu.Unlock()
	idle = o.calls == 0 && s.Detail == ""
	switch {
	case s.Load == string(device.LoadUnknown), s.Active == coil:
		return "", idle
	case s.Proof == board.Sent && w.doubtful():
		return "", idle // it was sent, which proves nothing
	}
	return fmt.Sprintf("%s is reported as %+v, its coil is active: %t", o.spec.Name, s, coil), idle
}

// doubtful says that what was sent may not have come, and nobody would tell.
func (w *site) doubtful() bool { return w.loose && !w.gentle }

// heal takes all faults away. Then each output is known and where it should be.
func (w *site) heal() {
	if w.t.Failed() {
		return
	}
	w.note("heal")
	w.cable.FallOut(-1)
	w.cable.Plug()
	for _, sim := range w.sims {
		sim.Quirk(func(q *boardsim.Quirks) { q.Dead, q.Lost, q.Noise, q.BadSum = false, 0, 0, 0 })
	}
	time.Sleep(2 * time.Minute) // longer than all that was asked for
	w.calls.Wait()
	for _, o := range w.outs {
		ans := w.ask(o)
		coil := w.sims[o.board].Active(o.spec.Channel)
		s := w.reported(o)
		proved := ans.Proof == w.family.Proof || w.loose && ans.Proof == board.Sent
		if !w.doubtful() && (ans.State != device.Done || !proved || ans.Active != coil || s.Detail != "") {
			w.t.Errorf("all is well again: %s answers %+v, reported as %+v, its coil is active: %t", o.spec.Name, ans, s, coil)
		}
		if w.brief && !w.doubtful() && coil {
			w.t.Errorf("%s is stuck: nothing asked for it to be driven, reported as %+v", o.spec.Name, s)
		}
	}
}
