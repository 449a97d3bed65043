package service

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"longarm/push"
	"longarm/push/engine"
)

// serveAck renews the lease, or tells the client not to act (protocol.md 4).
func (s *Service) serveAck(w http.ResponseWriter, r *request) {
	ctx, cancel := work(r.Context())
	defer cancel()
	welcome := s.beat(ctx, r.box, r.instance())
	answer, err := s.acknowledge(ctx, callSubject(r.box.id, r.id), welcome)
	if err != nil {
		s.broken(w, r.Request, "acknowledge", err)
		return
	}
	reply(w, http.StatusOK, answer)
}

// acknowledge takes note that the client is about to act, or still does. One that is not welcome must not begin: a
// relay must not move at the wrong site.
func (s *Service) acknowledge(ctx context.Context, subject string, welcome bool) (push.Reply, error) {
	var answer push.Reply
	c, err := s.change(ctx, subject, func(c *call) bool {
		s.clocks.track(c)
		answer = yes
		switch {
		case c.Closed:
			answer = no(ended(c))
			return false
		case c.State == Queued:
			answer = no("not delivered: the call waits for a poll")
			return false
		case !c.acknowledged() && !welcome:
			answer = no(notPicked)
			return false
		case !c.acknowledged() && s.clocks.left(c) <= 0:
			answer = no("expired")
			c.move(Expired)
			return true
		case c.State == Acknowledged:
			return false // only the lease, and that lives in memory
		case c.State == Unanswered:
			c.Late = true
		}
		c.move(Acknowledged)
		return true
	})
	if errors.Is(err, engine.ErrNotFound) {
		return no("unknown call: this container has none of that id"), nil
	}
	if err != nil {
		return push.Reply{}, err
	}
	if c.State == Acknowledged {
		s.renew(ctx, subject)
	}
	return answer, nil
}

// renew gives the lease afresh, here and in the other replicas. A renewal that they miss is made good by the next one.
func (s *Service) renew(ctx context.Context, subject string) {
	s.clocks.renew(subject)
	if err := s.engine.Publish(ctx, "renew."+strings.TrimPrefix(subject, "call."), []byte(s.replica)); err != nil {
		s.log.Debug("lease renewal not passed on", "call", lastToken(subject), "err", err)
	}
}

// ended says in one word or two why nothing more can be done with a closed call.
func ended(c *call) string {
	switch c.State {
	case Expired, Cancelled:
		return string(c.State)
	case Unanswered:
		return "expired: no answer within a day"
	}
	return "closed: the result was " + string(c.State)
}
