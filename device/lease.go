package device

import (
	"sync"
	"time"
)

// lend starts or renews a lease, counted from its edge.
func (o *output) lend(a *act, from time.Time) {
	o.leased, o.lease = true, a.meta.Call
	o.leaseEnd.set(a.Width - time.Since(from))
	o.noteLease()
}

// leaseOver brings a lease to safe.
func (o *output) leaseOver() {
	if o.leased {
		why := "lease over, call " + o.lease
		o.force(o.spec.SafeActive(), why, "ended by "+why, nil, nil)
	}
}

// endLease ends a lease, if there is one, without moving anything.
func (o *output) endLease() {
	if o.leased {
		o.leased, o.lease = false, ""
		o.leaseEnd.stop()
		o.noteLease()
	}
}

// noteLease journals what is true, without waiting for it.
func (o *output) noteLease() { o.box.clerk.note(o.spec.Name, o.lease) }

// clerk tells Options.LeaseChanged about leases, or another hook about
// another text of each target, in its own goroutine and one
// call at a time, so that no owner of a line waits for a disk. Only the newest
// truth of each target is told.
type clerk struct {
	tell  func(target, call string, open bool)
	wake  chan struct{}
	baton chan struct{} // held by the loop that runs

	mu    sync.Mutex
	want  map[string]*wish
	order []string          // targets in want, oldest first
	have  map[string]string // as told
}

// wish is a lease to be told about; call "" = no lease.
type wish struct {
	call string
	done chan struct{}
}

func newClerk(tell func(target, call string, open bool)) *clerk {
	return &clerk{tell: tell, wake: make(chan struct{}, 1), baton: make(chan struct{}, 1), want: make(map[string]*wish), have: make(map[string]string)}
}

// note asks for a lease to be told about; it does not wait.
func (c *clerk) note(target, call string) {
	if c.tell == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.want[target]
	switch {
	case w == nil && c.have[target] == call:
		return
	case w == nil:
		w = &wish{done: make(chan struct{})}
		c.want[target] = w
		c.order = append(c.order, target)
	}
	w.call = call
	select {
	case c.wake <- struct{}{}:
	default: // awake already
	}
}

// wait waits until everything noted about the target is told, or closed.
func (c *clerk) wait(target string, closed <-chan struct{}) {
	c.mu.Lock()
	w := c.want[target]
	c.mu.Unlock()
	if w == nil {
		return
	}
	select {
	case <-w.done:
	case <-closed:
	}
}

// loop tells until quit, and then what is left.
func (c *clerk) loop(quit <-chan struct{}) {
	if !grab(c.baton, quit) {
		return
	}
	defer func() { <-c.baton }()
	for {
		c.tellAll()
		select {
		case <-c.wake:
		case <-quit:
			c.tellAll()
			return
		}
	}
}

func (c *clerk) tellAll() {
	for {
		c.mu.Lock()
		if len(c.order) == 0 {
			c.mu.Unlock()
			return
		}
		target := c.order[0]
		w, had := c.want[target], c.have[target]
		call := w.call
		c.mu.Unlock()

		switch {
		case call == had:
		case call != "":
			c.tell(target, call, true)
		default:
			c.tell(target, had, false)
		}

		c.mu.Lock()
		c.have[target] = call
		if w.call == call { // no newer truth meanwhile
			delete(c.want, target)
			c.order = c.order[1:]
			close(w.done)
		}
		c.mu.Unlock()
	}
}
