package device

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// grips are the targets that composed calls have for themselves: between two
// steps of such a call nobody else moves its outputs, but towards safe.
type grips struct {
	mu sync.Mutex
	by map[string]*grip // by target
}

// grip is one composed call at work. Once it was ended it holds up nobody.
type grip struct {
	of   *grips
	call string
	what string          // "on of call c1 to rack"
	safe map[string]bool // what it has, and whether its move there is towards safe
	over chan struct{}   // closed when it may take no further step
	why  string          // what ended it; set before over is closed
}

func newGrips() *grips { return &grips{by: map[string]*grip{}} }

// open begins a composed call. Close it with free.
func (s *grips) open(c Command, m Meta) *grip {
	return &grip{of: s, call: m.Call, what: c.Verb + " of call " + m.Call + " to " + c.Target, safe: map[string]bool{}, over: make(chan struct{})}
}

// take gets one target; busy says who has it. A move towards safe gets it in
// any case, and whoever had it for something else takes no further step.
func (g *grip) take(target string, safe bool) (busy string) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	switch held := g.of.by[target]; {
	case held == nil || held == g || held.why != "":
	case !safe:
		return "busy: " + held.what
	case !held.safe[target]:
		held.end("ended by call " + g.call)
	}
	g.of.by[target], g.safe[target] = g, safe
	return ""
}

// free gives everything back.
func (g *grip) free() {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	for target := range g.safe {
		if g.of.by[target] == g {
			delete(g.of.by, target)
		}
	}
}

// end lets the call take no further step; of.mu is held.
func (g *grip) end(why string) {
	if g.why == "" {
		g.why = why
		close(g.over)
	}
}

// ended is what ended the call; "" while it goes on.
func (g *grip) ended() string {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	return g.why
}

// pause waits; false: the call, or the box, has come to its end.
func (g *grip) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return g.ended() == ""
	case <-g.over:
		return false
	}
}

// meet is asked by a call to one of the targets alone: why it may not move. One
// towards safe may, and ends a composed call that wants something else there.
func (s *grips) meet(target string, safe bool, call string) (busy string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.by[target]
	switch {
	case held == nil || held.why != "":
	case !safe:
		return "busy: " + held.what
	case !held.safe[target]:
		held.end("ended by call " + call)
	}
	return ""
}

// endAll lets no composed call take a further step.
func (s *grips) endAll(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.by {
		g.end(why)
	}
}

// endOf is endAll for the call that has this target.
func (s *grips) endOf(target, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.by[target]; g != nil {
		g.end(why)
	}
}

// alone is Do for one output.
func (b *Box) alone(ctx context.Context, o *output, c Command, m Meta) Answer {
	if a, err := o.spec.action(c); err == nil && a.Kind != "" {
		if busy := b.grips.meet(c.Target, a.TowardsSafe, m.Call); busy != "" {
			return o.outside(&act{Action: a}, Refused, busy)
		}
	}
	return o.do(ctx, c, m)
}

// part is one output in a composed call, and what became of it.
type part struct {
	out   *output
	told  Command
	ans   Answer
	began time.Time // what its edges count from; zero: it did not move
	idle  bool      // it had no turn
}

// refuse notes that the output may not, or did not, take its turn.
func (p *part) refuse(state, why string) { p.ans.State, p.ans.Detail = state, why }

// move lets the output obey.
func (p *part) move(ctx context.Context, m Meta) {
	var began atomic.Pointer[time.Time] // the owner may be at it still when a stop has answered
	fresh := m.Fresh
	m.Fresh = func() error {
		if fresh != nil {
			if err := fresh(); err != nil {
				return err
			}
		}
		began.Store(new(time.Now()))
		return nil
	}
	p.idle, p.ans = false, p.out.do(ctx, p.told, m)
	if at := began.Load(); at != nil {
		p.began = *at
	}
}

// publish returns when others see what the owner knows.
func (o *output) publish() {
	seen := make(chan struct{})
	if !o.tell(context.Background(), func() { o.show(); close(seen) }) {
		return
	}
	select {
	case <-seen:
	case <-o.box.closed:
	}
}

// begin is when the first part began; zero: none did.
func begin(parts []*part) (start time.Time) {
	for _, p := range parts {
		if !p.began.IsZero() && (start.IsZero() || p.began.Before(start)) {
			start = p.began
		}
	}
	return start
}

// edges are those of all parts in the order of time, counted from the start of
// the first.
func edges(parts []*part) []Edge {
	start := begin(parts)
	all := []Edge{}
	for _, p := range parts {
		for _, e := range p.ans.Edges {
			e.AtMS += p.began.Sub(start).Milliseconds()
			all = append(all, e)
			for i := len(all) - 1; i > 0 && all[i-1].AtMS > all[i].AtMS; i-- {
				all[i-1], all[i] = all[i], all[i-1]
			}
		}
	}
	return all
}
