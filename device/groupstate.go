package device

import (
	"strings"
	"time"
)

// sum is one answer for all.
func (g *group) sum(c Command, parts []*part) *Answer {
	var proofs []string
	for _, p := range parts {
		p.out.publish()
		if !p.idle && p.ans.State != Refused {
			proofs = append(proofs, p.ans.Proof)
		}
	}
	now := g.state()
	ans := said(worst(parts), account(parts))
	ans.Active, ans.Load, ans.Proof, ans.Edges = now.Active, now.Load, weakest(proofs, "sent"), edges(parts)
	if start := begin(parts); !start.IsZero() {
		ans.TookMS = time.Since(start).Milliseconds()
	}
	if c.Verb == "read" && ans.State == Done {
		ans.Detail = g.list()
	}
	return ans
}

// worst is the state of a composed call. It is refused, which means that
// nothing moved, only when that is true of all.
func worst(parts []*part) string {
	var states strings.Builder
	for _, p := range parts {
		states.WriteString(p.ans.State + " ")
	}
	has := func(state string) bool { return strings.Contains(states.String(), state) }
	mixed := has(Failed) || has(Done) && (has(Refused) || has(Expired))
	switch {
	case has(Unknown):
		return Unknown
	case mixed:
		return Failed
	case has(Expired):
		return Expired
	case has(Refused):
		return Refused
	}
	return Done
}

// account says which parts did not do what they should, and which had no turn.
func account(parts []*part) string {
	var told, idle []string
	for _, p := range parts {
		switch {
		case p.idle && idle == nil:
			idle = []string{p.ans.Detail + ", left as it is: " + p.told.Target}
		case p.idle:
			idle = append(idle, p.told.Target)
		case p.ans.State != Done:
			told = append(told, p.told.Target+" "+p.ans.State+": "+p.ans.Detail)
		}
	}
	if idle != nil {
		told = append(told, strings.Join(idle, ", "))
	}
	return strings.Join(told, "; ")
}

// list is "router on, pump off".
func (g *group) list() string {
	var all []string
	for _, o := range g.members {
		all = append(all, o.spec.Name+" "+o.shown.get().Load)
	}
	return strings.Join(all, ", ")
}

// state is how the members stand: a load or level that all share.
func (g *group) state() TargetState {
	s := TargetState{Name: g.spec.Name, Kind: "group", Active: true, Load: string(LoadUnknown)}
	var proofs []string
	for i, o := range g.members {
		m := o.shown.get()
		proofs = append(proofs, m.Proof)
		s.Active = s.Active && m.Active
		if i == 0 {
			s.Load = m.Load
		} else if s.Load != m.Load {
			s.Load = string(LoadUnknown)
		}
	}
	s.Proof = weakest(proofs, "sent")
	if s.Detail = g.running.or(g.missing); s.Detail == "" && s.Load == string(LoadUnknown) {
		s.Detail = g.list()
	}
	return s
}
