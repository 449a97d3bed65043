package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Wire carries bytes to a board and back. ReadUntil returns as soon as there is
// a byte, or 0 and os.ErrDeadlineExceeded. A Wire that also has Close is closed
// when it fails and at the end; any error but that one means that it failed.
type Wire interface {
	Flush() error // drops what came in unread
	Write(p []byte) error
	ReadUntil(p []byte, deadline time.Time) (int, error)
}

// What a (re)connected board's state is taken for (design.md section 3).
const (
	Adopt   = "adopt"   // for what it answers when it is first asked; "" too
	Safe    = "safe"    // for safe, Options.Safe; nothing is sent
	Unknown = "unknown" // for nothing
)

// Options are what a Board may be given; the zero value serves.
type Options struct {
	Name      string       // in errors, logs and Guard
	Log       *slog.Logger // nil = nothing is logged
	AtConnect string       // Adopt, Safe or Unknown
	Safe      []bool       // the safe level of each channel, for AtConnect Safe
	Sim       bool         // the board is a stand-in: every proof is "sim"
	// Guard is told before each piece of work who works and how long that may
	// take; done is called after it.
	Guard func(worker string, limit time.Duration) (done func())
}

// Pauses and limits of a Board.
const (
	firstPause = 250 * time.Millisecond // before a port is opened again, doubling
	lastPause  = 5 * time.Second
	lookEvery  = 2 * time.Second // whether an idle port is still there
	workLimit  = 10 * time.Second
	queueLimit = 8 * time.Second // for a turn at the board; eight channels need 4 s
)

// Board is one board. Its worker, Run, is the only one that touches the wire:
// channels take turns, sets before questions. Safe for concurrent use.
type Board struct {
	family   Family
	channels []*Channel
	open     func() (Wire, error)
	o        Options
	sets     chan *job
	asks     chan *job
	stopped  chan struct{}

	// Of the worker only.
	wire     Wire
	next     time.Time // of the next frame, or try to open
	pause    time.Duration
	mute     bool // never answered on this connection: not asked again
	answered bool
	opened   int   // connections so far
	told     []int // on which of them each channel was last told

	mu   sync.Mutex
	gone error // why there is no wire
	now  []level
}

// level is what is thought of a channel.
type level struct{ active, known bool }

// job is one piece of work for the worker.
type job struct {
	op      func(context.Context, *job)
	channel int
	active  bool
	after   bool // a Set came before: without a wire its outcome is lost
	done    chan struct{}

	known bool
	proof string
	err   error
}

// New makes a board of a family with so many channels, on ports that open
// opens; it opens nothing. Run must run for its channels to work.
func New(driver string, channels int, open func() (Wire, error), o Options) (*Board, error) {
	f, err := Find(driver)
	switch {
	case err != nil:
		return nil, err
	case channels < 1 || channels > f.Channels:
		return nil, fmt.Errorf("board %s: channels %d: want 1 to %d", o.Name, channels, f.Channels)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Board{family: f, open: open, o: o, sets: make(chan *job), asks: make(chan *job),
		stopped: make(chan struct{}), now: make([]level, channels), told: make([]int, channels), gone: errors.New("not opened yet")}
	for n := range channels {
		b.channels = append(b.channels, &Channel{board: b, number: n + 1, news: make(chan struct{}, 1)})
	}
	return b, nil
}

// Channel gives a channel, counted from 1; the error names the bound.
func (b *Board) Channel(n int) (*Channel, error) {
	if n < 1 || n > len(b.channels) {
		return nil, fmt.Errorf("board %s: channel %d: want 1 to %d", b.o.Name, n, len(b.channels))
	}
	return b.channels[n-1], nil
}

// Run opens the port, again and again with a back-off while that fails, and
// works until ctx ends; then it closes the port. It moves nothing by itself.
// End it after the outputs have settled. Call it once.
func (b *Board) Run(ctx context.Context) {
	defer close(b.stopped)
	defer b.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select { // sets first: a question must not make an edge wait
		case j := <-b.sets:
			b.work(ctx, j)
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return
		case j := <-b.sets:
			b.work(ctx, j)
		case j := <-b.asks:
			b.work(ctx, j)
		case <-timer.C:
			b.look()
		}
		timer.Reset(b.lookIn())
	}
}

func (b *Board) work(ctx context.Context, j *job) {
	defer close(j.done)
	defer b.guard()()
	if b.wire == nil {
		if err := b.connect(); err != nil {
			j.err = b.fault(j.after, err)
			return
		}
	}
	j.op(ctx, j)
}

func (b *Board) guard() func() {
	if b.o.Guard == nil {
		return func() {}
	}
	return b.o.Guard("board "+b.o.Name, workLimit)
}

// look opens the port, or sees whether an idle one is still there.
func (b *Board) look() {
	defer b.guard()()
	if b.wire == nil {
		_ = b.connect() // kept in b.gone
		return
	}
	var p [64]byte
	if _, err := b.wire.ReadUntil(p[:], time.Now()); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.drop(err)
	}
}

func (b *Board) lookIn() time.Duration {
	if b.wire == nil {
		return time.Until(b.next)
	}
	return lookEvery
}

// connect opens the port if it is time for that. Nothing is sent.
func (b *Board) connect() error {
	if wait := time.Until(b.next); wait > 0 {
		return b.why()
	}
	wire, err := b.open()
	if err != nil {
		b.retreat(err)
		return err
	}
	if b.pause > 0 {
		b.o.Log.Info("board is back", "board", b.o.Name)
	}
	b.wire, b.pause, b.next, b.mute, b.answered = wire, 0, time.Time{}, false, false
	b.opened++
	b.tell(nil, func(i int) level {
		if b.o.AtConnect == Safe && i < len(b.o.Safe) {
			return level{active: b.o.Safe[i], known: true}
		}
		return level{}
	})
	return nil
}

// drop gives up a wire that failed.
func (b *Board) drop(err error) {
	b.close()
	b.retreat(err)
}

func (b *Board) close() {
	if c, ok := b.wire.(interface{ Close() error }); ok {
		_ = c.Close() // it failed already, or nobody needs it any more
	}
	b.wire = nil
}

// retreat plans the next try to open, with jitter: several boards on one hub
// come back together.
func (b *Board) retreat(err error) {
	if b.pause == 0 {
		b.o.Log.Warn("board is gone, opening it again until it is back", "board", b.o.Name, "err", err)
	}
	b.pause = min(max(firstPause, 2*b.pause), lastPause)
	b.next = time.Now().Add(b.pause/2 + rand.N(b.pause/2))
	b.tell(err, func(int) level { return level{} })
}

// tell sets what is thought of the whole board.
func (b *Board) tell(gone error, now func(i int) level) {
	b.mu.Lock()
	defer b.mu.Unlock()
	back := (gone == nil) != (b.gone == nil)
	b.gone = gone
	for i, old := range b.now {
		if b.now[i] = now(i); back || b.now[i] != old {
			b.channels[i].signal()
		}
	}
}

func (b *Board) why() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone
}
