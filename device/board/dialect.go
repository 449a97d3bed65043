package board

import "time"

// dialect speaks a family's bytes with one board. A fresh one is made for each
// connection. The worker calls one method at a time; their errors are those of
// the talk, a refusal, or one of the dialect's own that says that the answer
// makes no sense.
type dialect interface {
	// set sends the command and gives its proof, Sent or Acked. Sending it
	// again must do no harm.
	set(t *talk, channel int, active bool) (proof string, err error)
	// states asks for all relays; nil without an error: this board does not tell.
	states(t *talk) ([]level, error)
}

// greeter is a dialect that must say something once per connection, before the
// first command or question: it may ask, or take the board's address, but never
// command. Its error keeps everything else from the board.
type greeter interface {
	greet(t *talk) error
}

// timing is a dialect of boards with timers: the relay goes to active now and
// back after kept, a width that the family's Timer fits. It is sent once.
type timing interface {
	timed(t *talk, channel int, active bool, kept time.Duration) (proof string, err error)
}

// canceller is a dialect whose set does not end a timer that runs. cancel does;
// a set follows it.
type canceller interface {
	cancel(t *talk, channel int) error
}

// listener is a dialect of boards that speak unasked. It is handed what came
// in before each frame and while nothing is said, cut anywhere, and gives the
// levels that this tells, or nil.
type listener interface {
	heard(p []byte) []level
}

// level is what is thought of a channel.
type level struct{ active, known bool }

// levelsOf are known levels.
func levelsOf(active []bool) []level {
	levels := make([]level, len(active))
	for i, a := range active {
		levels[i] = level{active: a, known: true}
	}
	return levels
}

// refusal is a board's own no: it understood the frame and did not do it.
type refusal string

func (r refusal) Error() string { return "the board refuses: " + string(r) }
