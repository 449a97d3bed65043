package board

import (
	"errors"
	"fmt"
	"time"
)

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
	return &Error{Board: b.o.Name, Moved: moved, Err: err}
}

// Channel is one relay of a board. Its methods block while other channels have
// their turn, but Active does not. Errors are *Error.
type Channel struct {
	board  *Board
	number int
	news   chan struct{}
}

// Set sends the frame; its proof is "sent" until Prove. why is not used.
func (c *Channel) Set(active bool, why string) (proof string, err error) {
	j := c.do(c.board.sets, &job{op: c.board.set, active: active})
	return c.board.proof("sent"), j.err
}

// Prove asks the board whether the relay is there: "readback" when it says so,
// "sent" when this board does not answer. A board that says otherwise is told
// once more; an error says that it is stuck, or that it vanished since Set.
func (c *Channel) Prove(active bool) (proof string, err error) {
	j := c.do(c.board.asks, &job{op: c.board.prove, active: active, after: true})
	return c.board.proof(j.proof), j.err
}

// Read asks the board; without an answer it is what the board was told.
func (c *Channel) Read() (active, known bool, proof string, err error) {
	j := c.do(c.board.asks, &job{op: c.board.read})
	return j.active, j.known, c.board.proof(j.proof), j.err
}

// Active is what is thought of the relay, without asking; the error says why
// the board cannot be used at the moment.
func (c *Channel) Active() (active, known bool, err error) {
	b := c.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != nil {
		return false, false, b.fault(false, b.gone)
	}
	now := b.now[c.number-1]
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

// do gives the worker a job and waits for its end.
func (c *Channel) do(queue chan<- *job, j *job) *job {
	j.channel, j.done = c.number, make(chan struct{})
	timer := time.NewTimer(queueLimit)
	defer timer.Stop()
	select {
	case queue <- j:
		<-j.done
	case <-c.board.stopped:
		j.err = c.board.fault(j.after, errors.New("stopped"))
	case <-timer.C:
		j.err = c.board.fault(j.after, fmt.Errorf("no turn at the board within %s", queueLimit))
	}
	return j
}

func (b *Board) proof(p string) string {
	if b.o.Sim && p != "" {
		return "sim"
	}
	return p
}
