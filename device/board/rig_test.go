package board

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// rig is simulated boards on a cable, and a port whose worker runs.
type rig struct {
	t      *testing.T
	cable  *boardsim.Cable
	sims   []*boardsim.Board
	port   *Port
	boards []*Board

	mu     sync.Mutex
	frames []string    // sent, in hex
	at     []time.Time // when
}

// bench runs a test on boards of these specs, in a bubble.
func bench(t *testing.T, specs []Spec, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t}
		for i := range specs {
			s := &specs[i]
			if s.Name == "" {
				s.Name = fmt.Sprint("b", i+1)
			}
			unit := s.Unit
			if f, err := Find(s.Driver); err == nil && unit == 0 {
				unit = f.Unit
			}
			sim, err := boardsim.New(s.Driver, s.Channels, unit, boardsim.Quirks{})
			if err != nil {
				t.Fatal(err)
			}
			r.sims = append(r.sims, sim)
		}
		r.cable = boardsim.NewCable(r.sims...)
		r.port = NewPort(r.open, PortOptions{Name: "bus"})
		for _, s := range specs {
			b, err := r.port.Add(s)
			if err != nil {
				t.Fatal(err)
			}
			r.boards = append(r.boards, b)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.port.Run(ctx) })
		synctest.Wait()
		test(r)
		cancel()
		running.Wait()
	})
}

func (r *rig) open() (Wire, error) {
	e, err := r.cable.Open()
	if err != nil {
		return nil, err
	}
	return tapped{e, r}, nil
}

// tapped notes what is sent.
type tapped struct {
	*boardsim.End
	r *rig
}

func (w tapped) Write(p []byte) error {
	w.r.mu.Lock()
	w.r.frames, w.r.at = append(w.r.frames, fmt.Sprintf("% X", p)), append(w.r.at, time.Now())
	w.r.mu.Unlock()
	return w.End.Write(p)
}

// sent gives the frames since the last time.
func (r *rig) sent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.frames
	r.frames, r.at = nil, nil
	return f
}

func (r *rig) channel(board, n int) *Channel {
	c, err := r.boards[board].Channel(n)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// drain takes the news that there are.
func (r *rig) drain() {
	for _, b := range r.boards {
		for _, c := range b.channels {
			for len(c.news) > 0 {
				<-c.news
			}
		}
	}
}

func (r *rig) quirk(board int, f func(q *boardsim.Quirks)) { r.sims[board].Quirk(f) }

// want holds what is thought of a channel against the relay.
func (r *rig) want(what string, c *Channel, active, known bool) {
	r.t.Helper()
	if a, k, err := c.Active(); a != active || k != known || err != nil {
		r.t.Errorf("%s: got active %t, known %t, %v; want %t, %t", what, a, k, err, active, known)
	}
}

// wantFault holds an error against what it should say.
func wantFault(t *testing.T, what string, err error, uncertain bool) {
	t.Helper()
	if fault, ok := errors.AsType[*Error](err); !ok || fault.Uncertain() != uncertain {
		t.Errorf("%s: got %v, want an error with uncertain %t", what, err, uncertain)
	}
}

func waves(n int) (specs []Spec) {
	for i := range n {
		specs = append(specs, Spec{Driver: "waveshare", Channels: 8, Unit: i + 1})
	}
	return specs
}
