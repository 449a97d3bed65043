package device

import (
	"context"
	"time"
)

// The states of an Answer (design.md section 2).
const (
	Done    = "done"
	Refused = "refused" // nothing moved
	Failed  = "failed"
	Unknown = "unknown" // it may have moved, nobody can say
	Expired = "expired" // its life was over before the hardware moved
)

// The kinds of an Action and of an Unfinished.
const (
	KindSteady = "steady"
	KindPulse  = "pulse"
	KindCycle  = "cycle"
	KindLease  = "lease"
)

// Answer closes one command. Its JSON is the `data` of a result
// (design.md section 2): exactly these keys, Edges never null. A test holds
// Append against the tags.
type Answer struct {
	State  string `json:"state"`
	Proof  string `json:"proof"` // the weakest proof of its edges; "" when nothing was proved
	Target string `json:"target"`
	Verb   string `json:"verb"`
	Active bool   `json:"active"` // the line now
	Load   string `json:"load"`   // the load now
	Edges  []Edge `json:"edges"`
	TookMS int64  `json:"took_ms"`
	Detail string `json:"detail"`
	// Reply are the named groups of an exchange's pattern. Only a port has
	// them; the answers of all other targets have no such key.
	Reply map[string]string `json:"reply,omitempty"`
}

// Edge is one change of a line, AtMS after the action started.
type Edge struct {
	Active bool  `json:"active"`
	AtMS   int64 `json:"at_ms"`
}

// Action is what a checked command is about to do, told to Meta.Begin.
type Action struct {
	Target, Verb string
	Kind         string        // KindSteady, KindPulse, KindCycle or KindLease
	TowardsSafe  bool          // ends at the safe level and passes through nothing else
	Width        time.Duration // of a pulse, cycle or lease; else 0
	From, To     bool          // line levels before and after the whole action
}

// Meta is what the caller knows about a call.
type Meta struct {
	// Call is the message id. It appears in the why of edges ("call c1") and
	// in the answer of a call that this one ends ("ended by call c1").
	Call string
	// Begin, when not nil, is called once in the goroutine of Do, after all
	// checks and before the first edge: the place to journal. An error forbids
	// the move, unless it is towards safe. A command that moves nothing (a
	// read, an on of a load that is on) does not begin.
	Begin func(ctx context.Context, a Action) error
	// Fresh, when not nil, is asked right before the hardware moves: nil, or
	// why it is too late. It must return at once.
	Fresh func() error
}

// Unfinished is an action that the journal knows as started, not finished, or
// an open lease (Kind "lease").
type Unfinished struct {
	Target, Kind, Call string
	SameBoot           bool
}

// TargetState is one line of a Report.
type TargetState struct {
	Name   string
	Kind   string // "output" or "input"
	Load   string // "on", "off" or "unknown"
	Active bool
	Proof  string // of the last edge or read
	Detail string // what is wrong or going on; "" = nothing to say
}
