package device

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const groupVerbs = "on, off, cycle [10s], read"

// group is several outputs as one target. It moves each by the output's own
// way, with all its limits, and keeps no state of its own beside what runs.
type group struct {
	spec    *GroupSpec
	box     *Box
	members []*output
	missing string // why it is not usable: a member is not served
	running shown
}

func newGroup(b *Box, s *GroupSpec) *group {
	g := &group{spec: s, box: b}
	for _, name := range s.Members {
		if o := b.output(name); o != nil {
			g.members = append(g.members, o)
		} else if g.missing == "" {
			g.missing = "not usable: its member " + name + " is not served"
		}
	}
	return g
}

func (g *group) name() string { return g.spec.Name }

func (g *group) check(c Command) error {
	switch c.Verb {
	case "on", "off", "read":
		return noArgs(c)
	case "cycle":
		_, err := g.width(c)
		return err
	}
	return unknownVerb(c, "a group", groupVerbs)
}

// width is how long the first member of a cycle is off. Each next one is off
// for one delay more, since all go off at once.
func (g *group) width(c Command) (time.Duration, error) {
	what := "cycle of " + c.Target
	if len(c.Args) > 1 {
		return 0, fmt.Errorf("%s takes one duration", what)
	}
	most, who := longestLease, ""
	for i, o := range g.members {
		if left := o.spec.LongestWidth() - time.Duration(i)*g.spec.Delay; left < most {
			most, who = left, o.spec.Name
		}
	}
	if most < shortest {
		return 0, fmt.Errorf("%s: %s would be off for longer than its longest: shorten the delay of the group or raise longest", what, who)
	}
	if len(c.Args) == 0 {
		return min(defaultCycle, most), nil
	}
	width, err := parseDuration(what, c.Args[0], most)
	if err != nil {
		err = fmt.Errorf("%w (longest of %s, less the delays before it)", err, who)
	}
	return width, err
}

// plan tells each member what it has to do.
func (g *group) plan(c Command) (parts []*part) {
	width, _ := g.width(c) // of a cycle; check has seen to it
	for _, o := range g.members {
		p := &part{out: o, told: Command{Target: o.spec.Name, Verb: c.Verb}, idle: true}
		if c.Verb == "cycle" {
			p.told.Args = []string{words(width)}
			width += g.spec.Delay
		}
		parts = append(parts, p)
	}
	return parts
}

func (g *group) do(ctx context.Context, c Command, m Meta) *Answer {
	if g.missing != "" {
		return said(Refused, g.missing)
	}
	parts := g.plan(c)
	if c.Verb == "read" {
		g.together(ctx, parts, m)
		return g.sum(c, parts)
	}
	grip := g.box.grips.open(c, m)
	defer grip.free()
	defer g.running.run(g.box, c.Verb+" of call "+m.Call)()
	g.grab(grip, parts)
	if c.Verb == "on" {
		g.oneByOne(ctx, grip, parts, m)
	} else {
		g.together(ctx, parts, m)
	}
	return g.sum(c, parts)
}

// grab takes all members; those that others have are refused. What goes towards
// safe is first: whatever it ends holds up the others no more.
func (g *group) grab(grip *grip, parts []*part) {
	for _, safe := range []bool{true, false} {
		for _, p := range parts {
			a, err := p.out.spec.action(p.told)
			if a.TowardsSafe != safe {
				continue
			}
			why := ""
			if err != nil {
				why = err.Error()
			} else {
				why = grip.take(p.told.Target, safe)
			}
			if why != "" {
				p.idle = false
				p.refuse(Refused, why)
			}
		}
	}
}

// together moves all members at once. A cycle comes back one by one, because
// each is off for one delay longer than the one before it: by itself, whatever
// becomes of the others.
func (g *group) together(ctx context.Context, parts []*part, m Meta) {
	var wg sync.WaitGroup
	for _, p := range parts {
		if p.idle {
			wg.Go(func() { p.move(ctx, m) })
		}
	}
	wg.Wait()
}

// oneByOne moves one member after the other, a delay after each that moved,
// until something ends that: the rest stays as it is. The life of the call
// counts for the first move only, since the others belong to it.
func (g *group) oneByOne(ctx context.Context, grip *grip, parts []*part, m Meta) {
	var begun atomic.Bool
	fresh := m.Fresh
	m.Fresh = func() error {
		if !begun.Load() && fresh != nil {
			if err := fresh(); err != nil {
				return err
			}
		}
		begun.Store(true)
		return nil
	}
	var moved time.Time // last
	for _, p := range parts {
		if !p.idle {
			continue
		}
		there := p.out.shown.get().Load == string(LoadOn) // it will not move
		if grip.ended() != "" || !there && !moved.IsZero() && !grip.pause(g.spec.Delay-time.Since(moved)) {
			p.refuse(Failed, grip.ended())
			continue
		}
		if begun.Load() {
			ctx = context.WithoutCancel(ctx)
		}
		p.move(ctx, m)
		if len(p.ans.Edges) > 0 {
			moved = time.Now()
		}
	}
}

// shown is what runs, for the report. The zero value is ready.
type shown struct {
	mu   sync.Mutex
	what []string // oldest first
}

// run shows what runs until done.
func (s *shown) run(b *Box, what string) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what = append(s.what, what)
	b.signal()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range s.what {
			if s.what[i] == what {
				s.what = append(s.what[:i], s.what[i+1:]...)
				break
			}
		}
		b.signal()
	}
}

// or is what runs last, else otherwise.
func (s *shown) or(otherwise string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.what); n > 0 {
		return s.what[n-1]
	}
	return otherwise
}
