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
	for _, f := range families {
		t.Run(f.Name, func(t *testing.T) {
			for seed := range seeds {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, f, seed)
					for range 60 {
						w.step()
						w.look()
						if t.Failed() {
							break
						}
					}
					w.stop()
					if t.Failed() {
						t.Logf("family %s, seed %d, steps:", f.Name, seed)
						t.Log(strings.Join(w.steps, "\n"))
						t.FailNow()
					}
				})
			}
		})
	}
}

// world is one or two boards of a family and what a test does to them.
type world struct {
	t      *testing.T
	r      *rand.Rand
	family Family
	cable  *boardsim.Cable
	sims   []*boardsim.Board
	port   *Port
	boards []*Board
	stop   func()
	steps  []string
	blind  bool   // nobody answers questions: what is lost stays unknown to us
	quiet  []bool // it had no power since it was last asked

	mu   sync.Mutex
	sent map[*Channel]bool // what it is told was sent, which proves nothing
}

func newWorld(t *testing.T, f Family, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 7)), family: f, stop: func() {}, blind: seed%4 == 3}
	boards := 1
	if f.Bus {
		boards = 2
	}
	for i := range boards {
		q := boardsim.Quirks{
			TooFast: max(f.Gap, frameGap(f.Baud)), Stale: f.Name == "lcus", Silent: w.blind && f.Name == "lcus",
			NoEcho: w.blind, Loop: f.Bus && seed%5 == 1, Stubborn: seed%3 == 2, LateTimers: time.Duration(w.r.IntN(150)) * time.Millisecond,
		}
		sim, err := boardsim.New(f.Name, w.size(), f.Unit+i, q)
		if err != nil {
			t.Fatal(err)
		}
		w.sims = append(w.sims, sim)
	}
	w.quiet = make([]bool, boards)
	w.cable = boardsim.NewCable(w.sims...)
	w.restart()
	return w
}

func (w *world) size() int {
	if w.family.Sizes == nil {
		return 3
	}
	return w.family.Sizes[len(w.family.Sizes)/2]
}

// spec is the board as a config has it; a mapped one is spoken to as its
// simulator is.
func (w *world) spec(i int) Spec {
	return Spec{
		Name: fmt.Sprint("b", i+1), Driver: w.family.Name, Channels: w.size(), Unit: w.family.Unit + i,
		Map: Map{Function: writeRegister, On: 1, Read: readRegisters},
	}
}

// restart is a new agent: all that was known is lost.
func (w *world) restart() {
	w.stop()
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

// step does something at random.
func (w *world) step() {
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
	for _, n := range w.r.Perm(w.size())[:min(1+w.r.IntN(3), w.size())] {
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
	timed := w.boards[i].runs(c.number)
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
	if proof == Readback && w.sims[i].Active(c.number) != active && !w.boards[i].runs(c.number) {
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
		for _, c := range b.channels {
			active, known, err := c.Active()
			if is := w.sims[i].Active(c.number); known && err == nil && active != is && !w.sent[c] {
				w.t.Errorf("after step %d: board %d channel %d is %t, reported as %t", len(w.steps), i+1, c.number, is, active)
			}
		}
	}
}
