package service

import (
	"context"
	"sync"
	"time"

	"longarm/push"
)

const (
	judgeKey   = "presence" // the lease: who holds it calls containers offline
	judgeTTL   = 10 * time.Second
	judgeRenew = 3 * time.Second
)

// judge says since when this process hears all containers and for how long it may act on that. Safety does not rest
// on it: going offline is a compare-and-set.
type judge struct {
	mu           sync.Mutex
	since, until time.Time
}

// renewed takes note of an attempt to renew the lease that began at the given time.
func (j *judge) renewed(ok bool, began time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case !ok:
		j.since, j.until = time.Time{}, time.Time{}
		return
	case began.After(j.until): // first, or after a gap in which we may have been deaf
		j.since = began
	}
	j.until = began.Add(judgeTTL)
}

func (j *judge) hearsSince(now time.Time) (since time.Time, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.since, now.Before(j.until)
}

// beat takes note of a heartbeat (protocol.md 6) of an instance, "" for a foreign client; false when an operator picked
// another one, for then it counts for nothing. A container that is signed off stays so: only a poll signs on.
func (s *Service) beat(ctx context.Context, b *box, instance string) bool {
	now := time.Now()
	if !b.heard(instance, now) {
		return false
	}
	s.counts.heard(now)
	if err := s.engine.Publish(ctx, "beat."+token(b.id), []byte(s.replica)); err != nil {
		s.log.Debug("heartbeat not passed on", "container", b.id, "err", err)
	}
	s.signOn(ctx, b, false)
	return true
}

// heard is the part of a heartbeat that needs no engine.
func (b *box) heard(instance string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.met(instance, now)
	if b.standing.refuses(instance) {
		return false
	}
	b.seen, b.base, b.late = now, now, false
	return true
}

// signOn makes the container online; one that signed off only if poll says that a poll asks for it.
func (s *Service) signOn(ctx context.Context, b *box, poll bool) {
	wants := func(st *standing) bool {
		return st.State == stateNew || st.State == stateOffline || poll && st.State == stateSignedOff
	}
	b.mu.Lock()
	st := b.standing
	b.mu.Unlock()
	if !wants(&st) {
		return
	}
	err := s.stand(ctx, b, func(st *standing) bool {
		if !wants(st) {
			return false
		}
		st.turn(stateOnline, "")
		return true
	})
	if err != nil {
		s.log.Warn("sign-on not written", "container", b.id, "err", err)
		return
	}
	s.log.Info("container online", "container", b.id, "was", st.State)
}

// lateAfter is the silence after which a container is shown as late. The caller holds mu.
func (b *box) lateAfter() time.Duration {
	return min(push.PollLimit, b.reg.limit()/2)
}

// state is what to show. The caller holds mu.
func (b *box) state(now time.Time) string {
	if b.standing.State == stateOnline && !b.held() && now.Sub(b.base) >= b.lateAfter() {
		return stateLate
	}
	return b.standing.State
}

// boxDue looks whether a container has been silent for too long. There is one timer a container and a heartbeat does not
// touch it: it looks when it was last told to, and sets itself to the next time that can matter.
func (s *Service) boxDue(ctx context.Context, id string) {
	b := s.boxes.at(id)
	if b == nil {
		return
	}
	now := time.Now()
	since, mine := s.judge.hearsSince(now)
	b.mu.Lock()
	if b.standing.State != stateOnline {
		b.mu.Unlock()
		return
	}
	base := b.base
	if base.Before(since) { // what we could not hear does not count
		base = since
	}
	if b.held() {
		base = now
	}
	next, limit := base.Add(b.lateAfter()), base.Add(b.reg.limit())
	tellLate := !now.Before(next) && !b.late
	if !now.Before(next) {
		b.late, next = true, limit
	}
	b.mu.Unlock()

	switch {
	case !mine:
		next = now.Add(judgeTTL)
	case !now.Before(limit):
		next = now.Add(judgeTTL) // in case it cannot be written
		s.goOffline(ctx, b)
	case tellLate:
		s.tellContainer(ctx, b)
	}
	s.timers.set(boxTimer+id, next)
}

func (s *Service) goOffline(ctx context.Context, b *box) {
	err := s.stand(ctx, b, func(st *standing) bool {
		if st.State != stateOnline {
			return false
		}
		st.turn(stateOffline, "no heartbeat within its limit")
		return true
	})
	if err != nil {
		s.log.Warn("offline not written, trying again", "container", b.id, "err", err)
		return
	}
	s.log.Info("container offline", "container", b.id)
}

// keepJudging renews the lease until ctx ends, then gives it back.
func (s *Service) keepJudging(ctx context.Context) {
	renew := func() {
		began := time.Now()
		ok, err := s.engine.Lease(ctx, judgeKey, s.replica, judgeTTL)
		if err != nil {
			s.log.Warn("presence lease not renewed", "err", err)
			return // it lapses by itself
		}
		s.judge.renewed(ok, began)
	}
	tick := time.NewTicker(judgeRenew)
	defer tick.Stop()
	for {
		renew()
		select {
		case <-tick.C:
		case <-ctx.Done():
			ctx, cancel := work(ctx)
			defer cancel()
			if _, err := s.engine.Lease(ctx, judgeKey, s.replica, 0); err != nil {
				s.log.Warn("presence lease not given back", "err", err)
			}
			return
		}
	}
}
