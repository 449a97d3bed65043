package board

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// TestWhatIsReportedIsSo: after any sequence of calls, faults and restarts each
// relay is where its channel says, or the channel says that nobody knows; and a
// call that says that nothing moved is right.
func TestWhatIsReportedIsSo(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 5
	}
	worlds := map[string][]Family{}
	for _, f := range families {
		worlds[f.Name] = []Family{f}
		if f.Bus {
			worlds[f.Name] = []Family{f, f}
			worlds["a bus"] = append(worlds["a bus"], f)
		}
	}
	for name, kinds := range worlds {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, kinds, seed)
					for range 60 {
						w.step()
						w.look()
						if t.Failed() {
							break
						}
					}
					w.stop()
					if t.Failed() {
						t.Logf("%s, seed %d, steps:", name, seed)
						t.Log(strings.Join(w.steps, "\n"))
						t.FailNow()
					}
				})
			}
		})
	}
}

// world is one board of a family, or several on a bus, and what a test does to
// them.
type world struct {
	t      *testing.T
	r      *rand.Rand
	kinds  []Family // of the boards
	cable  *boardsim.Cable
	sims   []*boardsim.Board
	port   *Port
	boards []*Board
	stop   func()
	steps  []string
	blind  bool   // nobody answers questions: what is lost stays unknown to us
	quiet  []bool // it had no power since it was last asked
	left   map[place]*rest

	stubborn bool // no command ends a timer

	mu   sync.Mutex
	sent map[*Channel]bool // what it is told was sent, which proves nothing
}

// rest is a board's timer that a restart made forgotten.
type (
	place struct{ board, channel int }
	rest  struct {
		timer
		settled bool
	}
)

func newWorld(t *testing.T, kinds []Family, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 7)), kinds: kinds, stop: func() {}, blind: seed%4 == 3, stubborn: seed%3 == 2}
	for i, f := range kinds {
		q := boardsim.Quirks{
			TooFast: max(f.Gap, frameGap(f.Baud)), Stale: f.Name == "lcus", Silent: w.blind && f.Name == "lcus",
			NoEcho: w.blind, Loop: f.Bus && seed%5 == 1, Stubborn: w.stubborn, LateTimers: time.Duration(w.r.IntN(150)) * time.Millisecond,
		}
		if f.Bus {
			q.Lag = f.Settle
		}
		sim, err := boardsim.New(f.Name, w.size(i), w.unit(i), q)
		if err != nil {
			t.Fatal(err)
		}
		w.sims = append(w.sims, sim)
	}
	w.quiet = make([]bool, len(kinds))
	w.cable = boardsim.NewCable(w.sims...)
	w.restart()
	return w
}

func (w *world) size(i int) int {
	sizes := w.kinds[i].Sizes
	if sizes == nil {
		return 3
	}
	return sizes[len(sizes)/2]
}

// unit is the family's own for the first board, and for others one that is free.
func (w *world) unit(i int) int {
	if i > 0 {
		return i + 1
	}
	return w.kinds[i].Unit
}

// spec is the board as a config has it; a mapped one is spoken to as its
// simulator is.
func (w *world) spec(i int) Spec {
	return Spec{
		Name: fmt.Sprint("b", i+1), Driver: w.kinds[i].Name, Channels: w.size(i), Unit: w.unit(i),
		Map: Map{Function: writeRegister, On: 1, Read: readRegisters},
	}
}

// restart is a new agent: all that was known is lost.
func (w *world) restart() {
	w.stop()
	if w.left == nil {
		w.left = map[place]*rest{}
	}
	for i, b := range w.boards {
		for n := range b.channels {
			if b.runs(n + 1) {
				w.left[place{i, n}] = &rest{timer: b.timers[n]}
			}
		}
	}
	w.port = NewPort(func() (Wire, error) { return w.cable.Open() }, PortOptions{})
	w.boards, w.sent = nil, map[*Channel]bool{}
	for i := range w.sims {
		b, err := w.port.Add(w.spec(i))
		if err != nil {
			w.t.Fatal(err)
		}
		w.boards = append(w.boards, b)
		w.quiet[i] = false
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.port.Run(ctx) })
	synctest.Wait()
	w.stop = func() { cancel(); running.Wait() }
}

// settle does what an agent does on start about what was running: it takes the
// relay to where its board's timer would. When no command ends the timer, nobody
// knows before it is over.
func (w *world) settle() {
	for i, b := range w.boards {
		for n, c := range b.channels {
			if l := w.left[place{i, n}]; l != nil && w.settled(c, l) {
				delete(w.left, place{i, n})
			}
		}
	}
}

func (w *world) settled(c *Channel, l *rest) bool {
	if !l.settled {
		proof, err := c.Set(l.to, "")
		w.proved(c, proof)
		l.settled = err == nil
		w.note("%s channel %d: settle %t: %s %v", c.board.spec.Name, c.number, l.to, proof, err)
	}
	if _, ends := c.board.family.speak(c.board.spec).(canceller); l.settled && (ends || !w.stubborn) {
		return true
	}
	if !l.settled || time.Since(l.until) < timerGrace {
		return false
	}
	_, _, proof, _ := c.Read()
	return proof == Readback
}

// step does something at random.
func (w *world) step() {
	w.settle()
	i := w.r.IntN(len(w.sims))
	sim := w.sims[i]
	quirk := func(what string, f func(q *boardsim.Quirks)) {
		w.note("board %d: %s", i+1, what)
		sim.Quirk(f)
	}
	n := 1 + w.r.IntN(4)
	switch w.r.IntN(20) {
	case 0:
		w.note("unplug")
		w.cable.Unplug()
	case 1, 2:
		w.note("plug")
		w.cable.Plug()
	case 3:
		w.note("fall out in %d bytes", 3*n)
		w.cable.FallOut(3 * n)
	case 4:
		w.note("restart")
		w.restart()
		time.Sleep(time.Second) // a program takes longer to start than a board to settle
	case 5:
		if !w.blind {
			quirk(fmt.Sprint("lose ", n), func(q *boardsim.Quirks) { q.Lost = n })
		}
	case 6:
		quirk(fmt.Sprint("noise ", n), func(q *boardsim.Quirks) { q.Noise = n })
	case 7:
		quirk(fmt.Sprint("bad sum ", n), func(q *boardsim.Quirks) { q.BadSum = n })
	case 8:
		quirk("dead", func(q *boardsim.Quirks) { q.Dead = true })
	case 9, 10:
		quirk("alive", func(q *boardsim.Quirks) { q.Dead = false })
	case 11:
		w.note("board %d: power cycle", i+1)
		sim.PowerCycle()
		w.quiet[i] = true // nobody can know before it is asked
	case 12, 13:
		d := time.Duration(w.r.IntN(8000)) * time.Millisecond
		w.note("wait %s", d)
		time.Sleep(d)
	default:
		w.calls(i)
	}
}

func (w *world) note(format string, a ...any) { w.steps = append(w.steps, fmt.Sprintf(format, a...)) }

// calls makes a few calls at a time, each to a channel of its own.
func (w *world) calls(i int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, n := range w.r.Perm(w.size(i))[:min(1+w.r.IntN(3), w.size(i))] {
		c, active := w.boards[i].channels[n], w.r.IntN(2) == 1
		width := time.Duration(1+w.r.IntN(6000)) * time.Millisecond
		kind := w.r.IntN(4)
		all.Go(func() {
			text := w.call(i, c, kind, active, width)
			mu.Lock()
			defer mu.Unlock()
			w.note("board %d channel %d: %s", i+1, n+1, text)
		})
	}
	all.Wait()
}

func (w *world) call(i int, c *Channel, kind int, active bool, width time.Duration) string {
	before := w.sims[i].Active(c.number)
	_, left := w.left[place{i, c.number - 1}]
	timed := left || w.boards[i].runs(c.number)
	switch {
	case kind == 0:
		_, known, proof, err := c.Read()
		w.proved(c, proof)
		return fmt.Sprintf("read: known %t %s %v", known, proof, err)
	case kind == 1 && c.CanTime(active, width):
		kept, proof, err := c.Timed(active, width, "")
		w.held(i, c, before, timed, err)
		w.proved(c, proof)
		return fmt.Sprintf("%t for %s: %s %v", active, kept, proof, err)
	}
	_, err := c.Set(active, "")
	w.held(i, c, before, timed, err)
	if err != nil {
		return fmt.Sprintf("set %t: %v", active, err)
	}
	proof, err := c.Prove(active)
	w.proved(c, proof)
	if proof == Readback && w.sims[i].Active(c.number) != active && !left && !w.boards[i].runs(c.number) {
		w.t.Errorf("board %d channel %d: read back as %t and is not", i+1, c.number, active)
	}
	return fmt.Sprintf("set and prove %t: %s %v", active, proof, err)
}

func (w *world) proved(c *Channel, proof string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[c] = proof == Sent
}

// held holds a call that says that it did nothing against the relay.
func (w *world) held(i int, c *Channel, before, timed bool, err error) {
	fault, failed := errors.AsType[*Error](err)
	if is := w.sims[i].Active(c.number); failed && !fault.Uncertain() && is != before && !timed {
		w.t.Errorf("board %d channel %d: it moved, though %v", i+1, c.number, err)
	}
}

// look holds what is reported against the relays.
func (w *world) look() {
	for i, b := range w.boards {
		if w.quiet[i] {
			if _, _, proof, _ := b.channels[0].Read(); proof != Readback {
				continue
			}
			w.quiet[i] = false
		}
		for n, c := range b.channels {
			if w.left[place{i, n}] != nil {
				continue
			}
			active, known, err := c.Active()
			if is := w.sims[i].Active(c.number); known && err == nil && active != is && !w.sent[c] {
				w.t.Errorf("after step %d: board %d channel %d is %t, reported as %t", len(w.steps), i+1, c.number, is, active)
			}
		}
	}
}
