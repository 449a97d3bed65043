package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	talkLimit  = 5 * time.Second       // for all that one piece of work says and hears
	mostTries  = 3                     // of what may be said again
	lateAnswer = 50 * time.Millisecond // by which a late answer may come later than it should
	mostBytes  = 1024                  // of an answer: it talks, but not of what was asked
	mostShown  = 24                    // bytes of a wrong answer that an error shows
)

// errSilent: nothing came in the time for it.
var errSilent = errors.New("no answer")

// talk is one conversation with one board, at most talkLimit long. After an
// error of the wire, the end of ctx or the limit it sends and waits no more.
type talk struct {
	ctx    context.Context
	port   *Port
	board  *Board
	end    time.Time
	tries  int
	at     time.Time // of the last frame
	frames int       // that went out, or of which a part may have
	broken error     // of the wire: it is given up after this
	halted bool      // by the end of ctx or the limit
}

// send sends one frame when the board and the bus may take it; what came in
// until then is no answer and is dropped.
func (t *talk) send(frame []byte) error {
	at := t.port.next
	if t.board.next.After(at) {
		at = t.board.next
	}
	if err := t.wait(at); err != nil {
		return err
	}
	err := t.clear()
	if err == nil {
		t.frames++
		t.at = time.Now()
		err = t.port.wire.Write(frame)
	}
	now := time.Now()
	t.port.busy(now, len(frame))
	t.board.next = now.Add(t.board.family.Gap)
	return t.broke(err)
}

// clear drops what came in, but lets a listener hear it.
func (t *talk) clear() error {
	if _, listens := t.board.speaker.(listener); listens {
		return t.port.listen()
	}
	return t.port.wire.Flush()
}

// read waits for exactly n bytes.
func (t *talk) read(n int, within time.Duration) ([]byte, error) {
	got, err := t.until(within, func(got []byte) bool { return len(got) >= n })
	if err == nil && len(got) > n {
		err = unclear(got)
	}
	return got, err
}

// through waits for bytes that end with these.
func (t *talk) through(end string, within time.Duration) ([]byte, error) {
	return t.until(within, func(got []byte) bool { return strings.HasSuffix(string(got), end) })
}

// until waits until whole says so of all that came since the frame. What came
// is given with an error too: errSilent, or one that shows it.
func (t *talk) until(within time.Duration, whole func(got []byte) bool) (got []byte, err error) {
	deadline := time.Now().Add(within)
	if deadline.After(t.end) {
		deadline = t.end
	}
	var p [128]byte
	for t.broken == nil && !t.halted && len(got) < mostBytes {
		n, err := t.port.wire.ReadUntil(p[:], deadline)
		got = append(got, p[:n]...)
		t.port.busy(time.Now(), 0)
		switch {
		case n > 0 && whole(got):
			return got, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return got, unclear(got)
		case err != nil:
			return got, t.broke(err)
		}
	}
	if t.broken != nil {
		return got, t.broken
	}
	return got, unclear(got)
}

// unclear is the error of an answer that is not one.
func unclear(got []byte) error {
	switch {
	case len(got) == 0:
		return errSilent
	case len(got) > mostShown:
		return fmt.Errorf("an answer that makes no sense: % X…", got[:mostShown])
	}
	return fmt.Errorf("an answer that makes no sense: % X", got)
}

// again does f until it succeeds, three times at most, and once when the board
// is known to be gone. Only for what may be said twice. The answer may have
// been a late one to the first try: then one to the last may still come, and
// must not be taken for that to another question.
func (t *talk) again(f func() error) (err error) {
	first := time.Now()
	for try := range t.tries {
		last := time.Now()
		if err = f(); err == nil && try > 0 {
			t.port.next = time.Now().Add(last.Sub(first) + lateAnswer)
		}
		if err == nil || !t.silent(err) {
			break
		}
	}
	return err
}

// silent says that the error means a board that does not answer, not a wire
// that failed, an end from outside or a no.
func (t *talk) silent(err error) bool {
	_, no := errors.AsType[refusal](err)
	return err != nil && t.broken == nil && !t.halted && !no
}

// moved says whether a relay may have moved, given the error: a board that
// says no to the only frame did not.
func (t *talk) moved(err error) bool {
	if _, no := errors.AsType[refusal](err); no {
		return t.frames > 1
	}
	return t.frames > 0
}

// wait waits until at.
func (t *talk) wait(at time.Time) error {
	switch {
	case t.broken != nil:
		return t.broken
	case at.After(t.end) || !time.Now().Before(t.end):
		t.halted = true
		return fmt.Errorf("not done within %s", talkLimit)
	case !at.After(time.Now()) && t.ctx.Err() == nil:
		return nil
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.ctx.Done():
		t.halted = true
		return fmt.Errorf("stopping: %w", context.Cause(t.ctx))
	}
}

// broke notes that the wire failed.
func (t *talk) broke(err error) error {
	if err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}
