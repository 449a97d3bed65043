package board

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

const (
	firstPause = 250 * time.Millisecond // before what is gone is tried again, doubling
	lastPause  = 5 * time.Second
)

// backoff is when to try again what failed.
type backoff struct {
	pause time.Duration // 0: it works
	next  time.Time
}

// fail plans the next try, with jitter: several boards on one hub come back
// together.
func (b *backoff) fail() {
	b.pause = min(max(firstPause, 2*b.pause), lastPause)
	b.next = time.Now().Add(b.pause/2 + rand.N(b.pause/2))
}

func (b *backoff) waits() bool { return time.Until(b.next) > 0 }

// connect opens the port if it is closed and time for that. Nothing is sent.
func (p *Port) connect() error {
	if p.wire != nil {
		return nil
	}
	if p.away.waits() {
		return p.why()
	}
	wire, err := p.openWire()
	if err != nil {
		p.retreat(err)
		return err
	}
	if p.away.pause > 0 && !p.stuck {
		p.o.Log.Info("port is back", "port", p.o.Name)
	}
	p.wire, p.away, p.next, p.looped = wire, backoff{}, time.Time{}, unsure
	p.opened++
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stuck {
		p.gone = nil
	}
	for _, b := range p.boards {
		b.meant()
	}
	return nil
}

// took notes that a port that could be opened before, and took no byte, takes
// some again.
func (p *Port) took(t *talk) {
	if !p.stuck || t.broken != nil || t.frames == 0 {
		return
	}
	p.o.Log.Info("port is back", "port", p.o.Name)
	p.stuck = false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = nil
	for _, b := range p.boards {
		for _, c := range b.channels {
			c.signal()
		}
	}
}

func (p *Port) openWire() (Wire, error) {
	for _, b := range p.boards {
		if p.opened > 0 && !b.family.Reopen {
			return nil, fmt.Errorf("board %s would move when its port is opened again: take its power away, then start anew", b.spec.Name)
		}
	}
	return p.open()
}

// drop gives up a wire that failed.
func (p *Port) drop(err error) {
	p.close()
	p.retreat(err)
}

func (p *Port) close() {
	if c, ok := p.wire.(interface{ Close() error }); ok {
		_ = c.Close() // it failed already, or nobody needs it any more
	}
	p.wire = nil
}

// retreat plans the next try to open; all boards are gone.
func (p *Port) retreat(err error) {
	if p.away.pause == 0 && !p.stuck {
		p.o.Log.Warn("port is gone, opening it again until it is back", "port", p.o.Name, "err", err)
	}
	p.stuck = errors.Is(err, os.ErrDeadlineExceeded)
	p.away.fail()
	p.mu.Lock()
	defer p.mu.Unlock()
	back := p.gone == nil
	p.gone = err
	for _, b := range p.boards {
		b.tell(back, nil)
	}
}

func (p *Port) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// look opens the port, or sees whether an idle one is still there; then it
// looks after one board that is gone, and after the timers that are over.
func (p *Port) look(ctx context.Context) {
	defer p.guard("port " + p.o.Name)()
	if p.wire == nil {
		_ = p.connect() // kept in p.gone
		return
	}
	p.looked = time.Now()
	if err := p.listen(); err != nil {
		p.drop(err)
		return
	}
	for i := range p.boards {
		b := p.boards[(p.turn+1+i)%len(p.boards)]
		if at := b.lookAt(); at.IsZero() || time.Until(at) > 0 {
			continue
		}
		p.turn = (p.turn + 1 + i) % len(p.boards)
		defer p.guard("board " + b.spec.Name)()
		b.look(p.talk(ctx, b))
		return
	}
}

// lookAt is when to look next.
func (p *Port) lookAt() time.Time {
	if p.wire == nil {
		return p.away.next
	}
	next := p.looked.Add(lookEvery)
	for _, b := range p.boards {
		if at := b.lookAt(); !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

// listen hands what came in to the boards that speak unasked.
func (p *Port) listen() error {
	var buf [64]byte
	for range mostBytes / len(buf) {
		n, err := p.wire.ReadUntil(buf[:], time.Now())
		for _, b := range p.boards {
			b.hear(buf[:n])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}
