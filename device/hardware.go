package device

import "time"

// Line is one output as the hardware shows it; active is logical: the relay
// is driven. The Box calls one method at a time, from one goroutine.
type Line interface {
	// Set drives the line. The proof is "sent", "acked", "readback" or "sim".
	// An error whose chain has a method Uncertain() bool says with true that
	// nobody can tell whether the line moved, with false that it did not.
	Set(active bool, why string) (proof string, err error)
	// Active is the level now; known is false when nobody can tell. An error
	// says why the line cannot be used at the moment.
	Active() (active, known bool, err error)
}

// Prover is a Line that proves slowly: its Set only sends, and Prove, called
// after the last edge of an action so that it does not stretch a pulse, says
// what the hardware shows. An error: the line is not, or may not be, there.
type Prover interface {
	Prove(active bool) (proof string, err error)
}

// Reader is a Line that can be asked at the hardware, with proof, where
// Active only remembers. Used by the verb read.
type Reader interface {
	Read() (active, known bool, proof string, err error)
}

// Notifier is a Line whose state changes by itself, such as a channel of a
// board that can vanish. A value in the channel (capacity 1) means: look again.
type Notifier interface {
	Changes() <-chan struct{}
}

// Timer is a Line whose hardware can time an edge by itself, so that the load
// comes back even if the agent, the box or the cable dies. Timed drives the
// line to active now; the hardware drives it back after kept, which is width or
// a little more. A Set meanwhile, also to the level that it has, ends the time.
type Timer interface {
	CanTime(active bool, width time.Duration) bool
	Timed(active bool, width time.Duration, why string) (kept time.Duration, proof string, err error)
}

// Reopener is a Line whose hardware can be taken away and come back, such as a
// GPIO chip on USB. Gone says that an error of the line means that. Reopen
// then looks for it once, and applies the start level as OpenOutput does, but
// never the load that at_start says.
type Reopener interface {
	Gone(err error) bool
	Reopen() error
}

// Level is one input.
type Level interface {
	Active() (bool, error)
}

// Hardware opens lines. OpenOutput has already applied the start level: a
// stored descriptor or a line whose direction is output is adopted (at_start
// keep), an input is driven to safe; at_start on and off drive that load.
// OpenInput calls edge with each new level, from any goroutine, also before it returns.
type Hardware interface {
	OpenOutput(s OutputSpec) (Line, error)
	OpenInput(s InputSpec, edge func(active bool)) (Level, error)
}

// proofOf is what reading a line or level proves: "readback", unless it says
// otherwise of itself by a method Proof() string, as a simulated one does.
func proofOf(line any) string {
	if p, ok := line.(interface{ Proof() string }); ok {
		return p.Proof()
	}
	return "readback"
}
