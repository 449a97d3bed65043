package board_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board"
)

// A Channel has all that a Box can use.
var (
	_ device.Line     = (*board.Channel)(nil)
	_ device.Prover   = (*board.Channel)(nil)
	_ device.Reader   = (*board.Channel)(nil)
	_ device.Notifier = (*board.Channel)(nil)
)

// relays is an LCUS board of two channels; it can be unplugged.
type relays struct {
	mu     sync.Mutex
	active [2]bool
	out    []byte
	edges  []time.Time
	gone   bool
}

var errUnplugged = errors.New("unplugged")

func (r *relays) Flush() error { return r.with(func() { r.out = nil }) }

func (r *relays) Write(p []byte) error {
	return r.with(func() {
		if p[0] == 0xFF {
			for i, a := range r.active {
				r.out = fmt.Appendf(r.out, "CH%d: %s\r\n", i+1, map[bool]string{true: "ON ", false: "OFF"}[a])
			}
			return
		}
		if at := &r.active[p[1]-1]; *at != (p[2] == 1) {
			*at = p[2] == 1
			r.edges = append(r.edges, time.Now())
		}
	})
}

func (r *relays) ReadUntil(p []byte, deadline time.Time) (n int, err error) {
	err = r.with(func() { n = copy(p, r.out); r.out = r.out[n:] })
	if err == nil && n == 0 {
		time.Sleep(time.Until(deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return n, err
}

func (r *relays) with(f func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return errUnplugged
	}
	f()
	return nil
}

func (r *relays) plug(in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = !in
	if !in {
		r.out = nil
	}
}

// OpenOutput and OpenInput are the device.Hardware of this test.
type hardware struct{ b *board.Board }

func (h hardware) OpenOutput(s device.OutputSpec) (device.Line, error) { return h.b.Channel(s.Channel) }
func (h hardware) OpenInput(device.InputSpec, func(bool)) (device.Level, error) {
	return nil, errors.ErrUnsupported
}

// box runs a box over a board over relays.
func box(t *testing.T, test func(r *relays, box *device.Box, do func(text string) device.Answer)) {
	synctest.Test(t, func(t *testing.T) {
		r := new(relays)
		p := board.NewPort(func() (board.Wire, error) { return r, r.with(func() {}) }, board.PortOptions{})
		b, err := p.Add(board.Spec{Name: "usb1", Driver: "lcus", Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		box := device.New(device.Spec{Outputs: []device.OutputSpec{{Name: "pump", Channel: 1}, {Name: "router", Channel: 2, Contact: device.ContactNC}}}, hardware{b}, device.Options{})
		base := context.WithoutCancel(t.Context())
		boardCtx, stopBoard := context.WithCancel(base)
		boxCtx, stopBox := context.WithCancel(base)
		var boardRuns, boxRuns sync.WaitGroup
		boardRuns.Go(func() { p.Run(boardCtx) })
		synctest.Wait()
		if errs := box.Open(base); len(errs) > 0 {
			t.Error(errs)
		}
		boxRuns.Go(func() {
			if err := box.Run(boxCtx); err != nil {
				t.Error(err)
			}
		})
		n := 0
		test(r, box, func(text string) device.Answer {
			c, err := device.ParseCommand(text)
			if err != nil {
				t.Fatal(err)
			}
			n++
			return box.Do(base, c, device.Meta{Call: fmt.Sprint("c", n)})
		})
		stopBox() // the outputs settle first
		boxRuns.Wait()
		stopBoard()
		boardRuns.Wait()
	})
}

func TestCallsThroughTheBytes(t *testing.T) {
	box(t, func(r *relays, _ *device.Box, do func(string) device.Answer) {
		for _, test := range []struct{ text, state, proof, load, edges string }{
			{"pump on", "done", "readback", "on", "[{true"},
			{"pump off", "done", "readback", "off", "[{false"},
			{"pump pulse 500ms", "done", "sent", "off", "[{true 0} {false 500}]"},
			{"router cycle 5s", "done", "readback", "on", "[{true 0} {false 5000}]"},
			{"router read", "done", "readback", "on", "[]"},
			{"pump cycle", "refused", "readback", "off", "[]"},
			{"pump on 10m", "done", "readback", "on", "[{true"},
		} {
			time.Sleep(time.Second) // the gap after the last question
			ans := do(test.text)
			if ans.State != test.state || ans.Proof != test.proof || ans.Load != test.load || !strings.HasPrefix(fmt.Sprint(ans.Edges), test.edges) {
				t.Errorf("%s: got %+v, want %+v", test.text, ans, test)
			}
		}
	})
}

func TestPulseWhoseBoardVanishedIsSettledWhenItIsBack(t *testing.T) {
	box(t, func(r *relays, box *device.Box, do func(string) device.Answer) {
		time.AfterFunc(5*time.Second, func() { r.plug(false) })
		ans := do("pump pulse 30s")
		if ans.State != "unknown" || !strings.HasPrefix(ans.Detail, "ended by a lost line; the line is not there yet, trying until it is: board usb1: ") || ans.TookMS > 10_000 {
			t.Errorf("got %+v, want it unknown as soon as the board is missed", ans)
		}
		time.Sleep(time.Minute)
		if s := box.Report()[0]; s.Load != "unknown" || !strings.HasPrefix(s.Detail, "settle call c1: not there yet") {
			t.Errorf("report: got %+v, want it not settled", s)
		}
		r.plug(true)
		time.Sleep(10 * time.Second)
		if s := box.Report()[0]; s.Load != "off" || s.Detail != "" || len(r.edges) != 2 {
			t.Errorf("report: got %+v after %d edges, want it off after two", s, len(r.edges))
		}
	})
}

func TestACallWhileTheBoardIsGoneMovesNothingLater(t *testing.T) {
	box(t, func(r *relays, _ *device.Box, do func(string) device.Answer) {
		r.plug(false)
		time.Sleep(10 * time.Second)
		for _, text := range []string{"pump on", "pump pulse", "pump on 5m"} {
			if ans := do(text); ans.State != "failed" || !strings.HasPrefix(ans.Detail, "the line did not move: board usb1: ") {
				t.Errorf("%s: got %+v, want that it did not move", text, ans)
			}
		}
		r.plug(true)
		time.Sleep(time.Hour)
		if len(r.edges) != 0 {
			t.Errorf("%d edges, want none", len(r.edges))
		}
	})
}

func TestPulseOnABoardKeepsItsWidth(t *testing.T) {
	box(t, func(r *relays, _ *device.Box, do func(string) device.Answer) {
		for _, width := range []time.Duration{100 * time.Millisecond, 3 * time.Second} {
			r.edges = nil
			do("pump pulse " + width.String())
			if len(r.edges) != 2 || r.edges[1].Sub(r.edges[0]) != width {
				t.Errorf("edges at %v, want them %s apart", r.edges, width)
			}
		}
	})
}
