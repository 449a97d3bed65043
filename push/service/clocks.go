package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"longarm/push"
	"longarm/push/engine"
)

// The first letters of a timer's key say what it is for.
const (
	callTimer = "call/" // and the subject
	boxTimer  = "box/"  // and the container's token
	idemTimer = "idem/" // and the subject
)

// clocks knows the deadlines of every open call on the monotonic clock. Documents carry the wall clock's; it counts only
// for the first look at a call after a start, and never for longer than the call's life.
type clocks struct {
	timers *timers
	mu     sync.Mutex
	calls  map[string]*deadline // by subject
}

type deadline struct {
	rev        uint64
	deliveries int
	life       time.Time // not delivered, not acknowledged after this
	lease      time.Time // unanswered after this
	late       time.Time // closed as unanswered after this
}

func newClocks(t *timers) *clocks {
	return &clocks{timers: t, calls: map[string]*deadline{}}
}

// track takes over what a version of a call says.
func (k *clocks) track(c *call) {
	subject := callSubject(c.Container, c.ID)
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.calls[subject]
	if c.Closed {
		delete(k.calls, subject)
		k.timers.stop(callTimer + subject)
		return
	}
	now := time.Now()
	if d == nil {
		d = &deadline{
			life:  now.Add(clamp(time.Until(c.Expires), c.Life)),
			lease: now.Add(push.Lease),
			late:  now.Add(push.LateLimit),
		}
		if !c.Lapsed.IsZero() {
			d.late = now.Add(clamp(time.Until(c.Lapsed.Add(push.LateLimit)), push.LateLimit))
		}
		k.calls[subject] = d
	} else if c.rev <= d.rev {
		return
	} else if c.Deliveries != d.deliveries || c.State == Acknowledged {
		d.lease = now.Add(push.Lease)
	} else if c.State == Unanswered {
		d.late = now.Add(push.LateLimit)
	}
	d.rev, d.deliveries = c.rev, c.Deliveries
	k.timers.set(callTimer+subject, d.next(c))
}

// next is when the call has to be looked at again.
func (d *deadline) next(c *call) time.Time {
	switch {
	case c.State == Queued:
		return d.life
	case c.State == Delivered && d.life.Before(d.lease):
		return d.life
	case c.State == Unanswered && !c.acknowledged():
		return d.life
	case c.State == Unanswered:
		return d.late
	}
	return d.lease
}

// renew gives the lease afresh: an acknowledgement came.
func (k *clocks) renew(subject string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d := k.calls[subject]; d != nil {
		d.lease = time.Now().Add(push.Lease) // the timer that is set looks, and sets itself anew
	}
}

// left is the rest of the call's life; not above 0 when it is over.
func (k *clocks) left(c *call) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d := k.calls[callSubject(c.Container, c.ID)]; d != nil {
		return time.Until(d.life)
	}
	return clamp(time.Until(c.Expires), c.Life)
}

func (k *clocks) get(subject string) (deadline, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d := k.calls[subject]; d != nil {
		return *d, true
	}
	return deadline{}, false
}

func (k *clocks) forget(subject string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.calls, subject)
	k.timers.stop(callTimer + subject)
}

func clamp(d, most time.Duration) time.Duration { return max(0, min(d, most)) }

// callDue is called when one of a call's deadlines may be over.
func (s *Service) callDue(ctx context.Context, subject string) {
	ctx, cancel := work(ctx)
	defer cancel()
	c, err := s.change(ctx, subject, func(c *call) bool {
		now := time.Now()
		d, ok := s.clocks.get(subject)
		switch {
		case c.Closed || !ok:
			return false
		case !c.acknowledged() && !now.Before(d.life):
			c.move(Expired)
		case (c.State == Delivered || c.State == Acknowledged) && !now.Before(d.lease):
			c.move(Unanswered)
		case c.State == Unanswered && c.acknowledged() && !now.Before(d.late):
			c.close(now.UTC())
		default:
			return false
		}
		return true
	})
	switch {
	case errors.Is(err, engine.ErrNotFound):
		s.clocks.forget(subject) // gone from the log too
	case err != nil:
		s.log.Warn("call deadline not written, trying again", "call", lastToken(subject), "err", err)
		s.timers.set(callTimer+subject, time.Now().Add(time.Second))
	case c.Closed:
		s.clocks.track(&c) // perhaps another replica closed it
	default:
		if d, ok := s.clocks.get(subject); ok {
			s.timers.set(callTimer+subject, d.next(&c))
		}
	}
}
