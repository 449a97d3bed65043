package board

import "time"

// Error is hardware work that went wrong.
type Error struct {
	Board string
	Moved bool // the relay may have moved, nobody can tell
	Err   error
}

func (e *Error) Error() string { return "board " + e.Board + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Uncertain says that nobody can tell whether the relay moved; else it did not.
func (e *Error) Uncertain() bool { return e.Moved }

func (b *Board) fault(moved bool, err error) error {
	return &Error{Board: b.spec.Name, Moved: moved, Err: err}
}

// Channel is one relay of a board. Its methods block while other channels, and
// other boards on the port, have their turn; Active and CanTime do not. One of
// the others at a time. Errors are *Error.
type Channel struct {
	board  *Board
	number int
	news   chan struct{}
}

// Set sends the command; its proof is Sent or Acked until Prove. A timer of the
// board that would move the channel again is ended first, where the family
// needs that. why is not used.
func (c *Channel) Set(active bool, why string) (proof string, err error) {
	j := c.do(&job{op: (*Board).set, set: true, active: active})
	return j.proof, j.err
}

// Prove asks the board whether the relay is there: Readback when it says so,
// what Set proved when this board does not tell. A board that says otherwise is
// told once more; an error says that it is stuck, or that it vanished since Set.
func (c *Channel) Prove(active bool) (proof string, err error) {
	j := c.do(&job{op: (*Board).prove, active: active, after: true})
	return j.proof, j.err
}

// Read asks the board; without an answer it is what the board was told.
func (c *Channel) Read() (active, known bool, proof string, err error) {
	j := c.do(&job{op: (*Board).read})
	return j.active, j.known, j.proof, j.err
}

// CanTime says whether Timed can do that.
func (c *Channel) CanTime(active bool, width time.Duration) bool {
	_, ok := c.board.family.Timer.Fit(active, width)
	return ok
}

// Timed has the board itself bring the relay to active now and back after
// width, whatever becomes of this program or the cable. kept is the width that
// the board keeps: width, rounded up to what it can count. The proof is Sent or
// Acked; Prove that the relay is back, later than kept. why is not used.
func (c *Channel) Timed(active bool, width time.Duration, why string) (kept time.Duration, proof string, err error) {
	kept, ok := c.board.family.Timer.Fit(active, width)
	if !ok {
		return 0, "", c.board.fault(false, errNoTimer)
	}
	j := c.do(&job{op: (*Board).timed, set: true, active: active, width: kept})
	return kept, j.proof, j.err
}

// Active is what is thought of the relay, without asking; the error says why
// the board cannot be used at the moment.
func (c *Channel) Active() (active, known bool, err error) {
	b := c.board
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	if err := b.port.gone; err != nil {
		return false, false, b.fault(false, err)
	}
	if b.lost != nil {
		return false, false, b.fault(false, b.lost)
	}
	now := b.level(c.number)
	return now.active, now.known, nil
}

// Changes has a value (capacity 1) after the board vanished, came back, or
// showed another level than was thought.
func (c *Channel) Changes() <-chan struct{} { return c.news }

func (c *Channel) signal() {
	select {
	case c.news <- struct{}{}:
	default: // one waits already
	}
}

func (c *Channel) do(j *job) *job {
	j.channel = c.number
	return c.board.do(j)
}
