package device

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Pauses of a port's wire.
const (
	firstPause = 250 * time.Millisecond // before it is opened again, doubling
	lastPause  = 5 * time.Second
	lookEvery  = 2 * time.Second // whether an idle one is still there
)

// cable is a port's wire, opened by path again and again until it is there.
// Only the port's worker uses it.
type cable struct {
	port  *port
	open  func() (Wire, error)
	wire  Wire
	pause time.Duration
	next  time.Time // of the next exchange, or of the next try to open
}

// runPorts runs every port's worker. end lets them end, wait returns when they
// have, but not later than ctx: a device that hangs must not hold up the stop.
func (b *Box) runPorts(ctx context.Context) (end func(), wait func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for _, p := range b.ports {
		if p.fault == "" {
			workers.Go(func() { p.work(ctx) })
		}
	}
	end = func() {
		for _, p := range b.ports {
			p.end("ended by stop", true)
		}
		cancel()
	}
	return end, func(last context.Context) {
		ended := make(chan struct{})
		go func() { workers.Wait(); close(ended) }() // ends with the last worker
		select {
		case <-ended:
		case <-last.Done():
		}
	}
}

// latchWholes is power-fail for whatever is composed: no further step, no byte.
func (b *Box) latchWholes(lost bool) {
	why := ""
	if lost {
		why = "power"
		b.grips.endAll(why)
	}
	for _, p := range b.ports {
		p.end(why, lost)
	}
}

// work is the port's worker: it keeps the wire open and serves one ask at a time.
func (p *port) work(ctx context.Context) {
	c := &p.cable
	defer c.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-p.jobs:
			a.answer <- p.serve(a) // has room: the only one
		case <-timer.C:
			c.look()
		}
		if c.wire == nil {
			timer.Reset(time.Until(c.next))
		} else {
			timer.Reset(lookEvery)
		}
	}
}

// guard marks work of at most limit beyond what a port that hangs may take.
func (p *port) guard(limit time.Duration) (done func()) {
	if p.box.o.Guard == nil {
		return func() {}
	}
	return p.box.o.Guard("port "+p.spec.Name, limit+workLimit)
}

// look opens the wire, or sees whether an idle one is still there. What comes
// in unasked is dropped.
func (c *cable) look() {
	defer c.port.guard(0)()
	if c.wire == nil {
		_ = c.connect() // the port shows why
		return
	}
	var p [64]byte
	if _, err := c.wire.ReadUntil(p[:], time.Now()); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.drop(err)
	}
}

// connect opens the wire if there is none and it is time for that.
func (c *cable) connect() error {
	if c.wire != nil {
		return nil
	}
	if time.Until(c.next) > 0 {
		c.port.mu.Lock()
		defer c.port.mu.Unlock()
		return c.port.gone
	}
	wire, err := c.open()
	if err != nil {
		c.retreat(err)
		return err
	}
	if c.pause > 0 {
		c.port.box.o.Log.Info("port is back", "port", c.port.spec.Name)
	}
	c.wire, c.pause = wire, 0
	c.port.see(nil)
	return nil
}

// drop gives up a wire that failed.
func (c *cable) drop(err error) {
	c.close()
	c.retreat(err)
}

func (c *cable) close() {
	if w, ok := c.wire.(interface{ Close() error }); ok {
		_ = w.Close() // it failed already, or nobody needs it any more
	}
	c.wire = nil
}

// retreat plans the next try, with jitter.
func (c *cable) retreat(err error) {
	if c.pause == 0 {
		c.port.box.o.Log.Warn("port is gone, opening it again until it is back", "port", c.port.spec.Name, "err", err)
	}
	c.pause = min(max(firstPause, 2*c.pause), lastPause)
	c.next = time.Now().Add(c.pause/2 + rand.N(c.pause/2))
	c.port.see(err)
}
