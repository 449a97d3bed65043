package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Wire carries bytes to the boards and back. ReadUntil returns as soon as there
// is a byte, or 0 and os.ErrDeadlineExceeded. A Wire that also has Close is
// closed when it fails and at the end; any error but that one means that it
// failed.
type Wire interface {
	Flush() error // drops what came in unread
	Write(p []byte) error
	ReadUntil(p []byte, deadline time.Time) (int, error)
}

// PortOptions are what a Port may be given; the zero value serves.
type PortOptions struct {
	Name string       // its path, for logs and Guard
	Baud int          // what the wire runs at; 0 = what the first board's family has
	Log  *slog.Logger // nil = nothing is logged
	// Guard is told before each piece of work who works and how long that may
	// take; done is called after it.
	Guard func(worker string, limit time.Duration) (done func())
}

// Limits of a Port.
const (
	lookEvery  = 2 * time.Second  // whether an idle port is still there
	workLimit  = 10 * time.Second // talkLimit, a write that hangs and opening the port
	queueLimit = 8 * time.Second  // for a turn at the board; eight channels need 4 s
)

// Port is one serial port with the boards on it. Its worker, Run, is the only
// one that touches the wire: boards take turns, sets before questions, one
// request at a time.
type Port struct {
	open    func() (Wire, error)
	o       PortOptions
	boards  []*Board
	wake    chan struct{} // cap 1: there may be a job
	stopped chan struct{}

	// Of the worker only.
	wire   Wire
	away   backoff
	opened int           // connections so far
	next   time.Time     // of the next frame on the bus
	gap    time.Duration // of silence between two frames on the bus
	looked time.Time     // when the wire was last used
	turn   int           // the board that had it last
	looped loopback      // whether the adapter sends back what it is sent
	stuck  bool          // it took no byte when it was used last: until it does, it is gone

	mu   sync.Mutex
	gone error // why there is no wire
}

// NewPort makes a port on wires that open opens; it opens nothing. Add its
// boards, then Run.
func NewPort(open func() (Wire, error), o PortOptions) *Port {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Port{open: open, o: o, wake: make(chan struct{}, 1), stopped: make(chan struct{}), gone: errors.New("not opened yet")}
}

// Add puts a board on the port, before Run. The error says what the family
// does not have, or why the board cannot be on this port.
func (p *Port) Add(s Spec) (*Board, error) {
	f, err := Find(s.Driver)
	if err == nil {
		return p.add(f, s)
	}
	return nil, fmt.Errorf("board %s: %w", s.Name, err)
}

func (p *Port) add(f Family, s Spec) (*Board, error) {
	if s.Unit == 0 {
		s.Unit = f.Unit
	}
	err := f.check(s)
	for _, o := range p.boards {
		switch {
		case !o.family.Bus || !f.Bus:
			err = errors.Join(err, fmt.Errorf("port is that of board %s already", o.spec.Name))
		case o.spec.Unit == s.Unit:
			err = errors.Join(err, fmt.Errorf("unit %d is that of board %s already", s.Unit, o.spec.Name))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("board %s: %w", s.Name, err)
	}
	if p.o.Baud == 0 {
		p.o.Baud = f.Baud
	}
	if f.Bus {
		p.gap = frameGap(p.o.Baud)
	}
	b := newBoard(p, f, s)
	p.boards = append(p.boards, b)
	return b, nil
}

// Run opens the port, again and again with a back-off while that fails, and
// works until ctx ends; then it closes the port. It moves nothing by itself.
// End it after the outputs have settled. Call it once.
func (p *Port) Run(ctx context.Context) {
	defer close(p.stopped)
	defer p.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if b, j := p.take(); j != nil {
			p.work(ctx, b, j)
			continue
		}
		timer.Reset(time.Until(p.lookAt()))
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C:
			p.look(ctx)
		}
	}
}

// work does one job of a board.
func (p *Port) work(ctx context.Context, b *Board, j *job) {
	defer close(j.done)
	defer p.guard("board " + b.spec.Name)()
	if err := p.connect(); err != nil {
		j.err = b.fault(j.after, err)
		return
	}
	t := p.talk(ctx, b)
	defer p.took(t)
	if err := b.meet(t); err != nil {
		j.err = b.fault(j.after, err)
		return
	}
	j.op(b, t, j)
}

func (p *Port) talk(ctx context.Context, b *Board) *talk {
	now := time.Now()
	p.looked = now
	return &talk{ctx: ctx, port: p, board: b, end: now.Add(talkLimit), tries: mostTries}
}

func (p *Port) guard(worker string) func() {
	if p.o.Guard == nil {
		return func() {}
	}
	return p.o.Guard(worker, workLimit)
}

// busy notes that bytes are on the bus: n that are sent, or some that came.
func (p *Port) busy(now time.Time, n int) {
	if p.gap == 0 {
		return
	}
	if at := now.Add(lineTime(n, p.o.Baud) + p.gap); at.After(p.next) {
		p.next = at
	}
}

// lineTime is how long so many bytes are on the line.
func lineTime(bytes, baud int) time.Duration {
	const bits = 11 // start, 8, parity, stop
	return time.Duration(bytes) * bits * time.Second / time.Duration(max(baud, 1))
}
