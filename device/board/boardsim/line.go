package boardsim

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// line is a wire with boards on it: what is sent reaches all of them, what they
// say is given to one.
type line struct {
	boards []*Board
	give   func(p []byte)
}

func attach(boards []*Board, give func(p []byte)) *line {
	l := &line{boards, give}
	for _, b := range boards {
		b.mu.Lock()
		b.lines[l] = struct{}{}
		b.mu.Unlock()
	}
	return l
}

func (l *line) detach() {
	for _, b := range l.boards {
		b.mu.Lock()
		delete(b.lines, l)
		b.mu.Unlock()
	}
}

// send brings bytes to the boards, after their echo if the adapter makes one.
func (l *line) send(p []byte) {
	if slices.ContainsFunc(l.boards, (*Board).loops) {
		l.give(slices.Clone(p))
	}
	for _, b := range l.boards {
		b.take(p)
	}
}

func (b *Board) loops() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.q.Loop
}

// Serve puts boards behind rw, for example the master of a pty, until reading
// ends. io.EOF is not an error; a closed pty's read error is given as it is.
func Serve(rw io.ReadWriter, boards ...*Board) error {
	var mu sync.Mutex
	l := attach(boards, func(p []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = rw.Write(p) // reading tells that it is over
	})
	defer l.detach()
	buf := make([]byte, 256)
	for {
		n, err := rw.Read(buf)
		l.send(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// errPlug is what a wire fails with that is not plugged in.
var errPlug = errors.New("unplugged")

// Cable is a wire in memory between a driver and boards; it can be unplugged.
// Safe for concurrent use.
type Cable struct {
	boards []*Board

	mu    sync.Mutex
	out   bool // unplugged
	left  int  // bytes until it falls out; < 0: it does not
	ends  []*End
	sends int
}

// NewCable makes a cable that is plugged in.
func NewCable(boards ...*Board) *Cable { return &Cable{boards: boards, left: -1} }

// Open connects to the cable.
func (c *Cable) Open() (*End, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out {
		return nil, errPlug
	}
	e := &End{cable: c, news: make(chan struct{}, 1)}
	e.line = attach(c.boards, e.take)
	c.ends = append(c.ends, e)
	return e, nil
}

// Unplug pulls the cable: all its ends fail, and nothing can be opened.
func (c *Cable) Unplug() {
	c.mu.Lock()
	c.out, c.left = true, -1
	ends := c.ends
	c.ends = nil
	c.mu.Unlock()
	for _, e := range ends {
		e.fail(errPlug)
	}
}

// Plug plugs it in again.
func (c *Cable) Plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = false
}

// FallOut unplugs it when n more bytes were sent.
func (c *Cable) FallOut(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

// Sends is how many frames were sent over it.
func (c *Cable) Sends() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sends
}

// passes says how many of n bytes reach the boards.
func (c *Cable) passes(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends++
	switch {
	case c.left < 0:
		return n
	case n > c.left:
		return c.left
	}
	c.left -= n
	return n
}

// End is one connection over a Cable: the Wire of the drivers.
type End struct {
	cable *Cable
	line  *line
	news  chan struct{} // cap 1: there are bytes, or it failed

	mu  sync.Mutex
	in  []byte
	err error
}

func (e *End) take(p []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.in = append(e.in, p...)
	e.ring()
}

func (e *End) fail(err error) {
	e.line.detach()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err, e.in = err, nil
	e.ring()
}

func (e *End) ring() {
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// Flush drops what came in unread.
func (e *End) Flush() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.in = nil
	return e.err
}

// Write sends bytes to the boards.
func (e *End) Write(p []byte) error {
	e.mu.Lock()
	err := e.err
	e.mu.Unlock()
	if err != nil {
		return err
	}
	n := e.cable.passes(len(p))
	e.line.send(p[:n])
	if n < len(p) {
		e.cable.Unplug()
		return errPlug
	}
	return nil
}

// ReadUntil gives what came in, as soon as there is something.
func (e *End) ReadUntil(p []byte, deadline time.Time) (int, error) {
	wait := time.Until(deadline)
	late := wait <= 0
	if late {
		// Not waited for. Two timers that are over before somebody waits, in one
		// bubble, can crash the race detector of Go 1.26.
		wait = time.Hour
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		e.mu.Lock()
		n, err := copy(p, e.in), e.err
		e.in = e.in[n:]
		e.mu.Unlock()
		switch {
		case err != nil:
			return 0, err
		case n > 0:
			return n, nil
		case late:
			return 0, os.ErrDeadlineExceeded
		}
		select {
		case <-e.news:
		case <-timer.C:
			late = true
		}
	}
}

// Close ends the connection.
func (e *End) Close() error {
	e.fail(os.ErrClosed)
	return nil
}

// Say has bytes come in that nobody asked for.
func (c *Cable) Say(text string) {
	c.mu.Lock()
	ends := slices.Clone(c.ends)
	c.mu.Unlock()
	for _, e := range ends {
		e.take([]byte(text))
	}
}
