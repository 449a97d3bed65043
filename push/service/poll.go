package service

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"longarm/push"
	"longarm/push/engine"
)

const (
	maxPolls = 8 // open at the same time for one container
	// writeLimit is how long a client may take to accept a reply.
	writeLimit = 10 * time.Second
	maxTries   = 8 // claims that others won, before the poll waits for the next wake
)

// servePoll is the long poll: one call, or "no message" after the hold (protocol.md 3).
func (s *Service) servePoll(w http.ResponseWriter, r *request) {
	p, f := s.pollOf(r)
	if f.status != 0 {
		s.refuse(w, r.Request, f, true)
		return
	}
	defer s.polls.leave()
	b, ctx := r.box, r.Context()
	s.lift(w)
	s.open(p, b, ctx)
	c, how := s.hold(ctx, b, p)
	counts := b.leave(p, how, time.Now()) // before the reply: the client's next poll may be here before we go on
	if s.answerPoll(w, r, c, how) && counts {
		s.beat(ctx, b, p.instance)
	}
}

// pollOf reads what the poll says of itself and counts it in, or says why it may not wait.
func (s *Service) pollOf(r *request) (*poll, refusal) {
	n, _ := strconv.ParseUint(r.Header.Get(push.HeaderPoll), 10, 64) // a foreign client has none
	p := &poll{
		n:        n,
		instance: r.instance(),
		dedupe:   r.Header.Get(push.HeaderDedupe) == "1",
		wakes:    make(chan struct{}, 1),
	}
	switch {
	case len(p.instance) > maxInstance:
		return nil, refusal{status: http.StatusBadRequest, message: push.HeaderInstance + " too long: want at most 128 bytes"}
	case r.box.refuses(p.instance, time.Now()):
		return nil, refusal{status: http.StatusConflict, message: notPicked}
	case r.box.openPolls() >= maxPolls:
		return nil, refusal{status: http.StatusTooManyRequests, message: "too many polls of this container are open", retry: s.holdFor}
	case !s.polls.enter():
		return nil, refusal{status: http.StatusServiceUnavailable, message: "the service is stopping", retry: drainRetry, hangUp: true}
	}
	return p, refusal{}
}

// lift takes the server's deadlines from a request that is meant to last; it sets them anew for the next one. A deadline that is
// over would look like a client that is gone.
func (s *Service) lift(w http.ResponseWriter) {
	out := http.NewResponseController(w)
	if err := errors.Join(out.SetReadDeadline(time.Time{}), out.SetWriteDeadline(time.Time{})); err != nil {
		s.log.Debug("no deadlines to lift", "err", err)
	}
}

// open takes note of the start of the poll: a heartbeat, perhaps a sign-on, perhaps a conflict.
func (s *Service) open(p *poll, b *box, ctx context.Context) {
	s.counts.polls.Add(1)
	if b.arrive(p, time.Now()) {
		s.noteConflict(ctx, b)
	}
	if p.isDeaf(b) {
		return
	}
	s.signOn(ctx, b, true)
	s.beat(ctx, b, p.instance)
}

func (p *poll) isDeaf(b *box) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.deaf
}

func (b *box) openPolls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.polls)
}

// outcome is how a hold ended.
type outcome int

const (
	ranOut  outcome = iota // the hold is over
	took                   // there is a call, and it is ours
	gone                   // the client went away
	drained                // the service stops
)

// hold waits for a call that the poll may take. It is the one place where a poll waits.
func (s *Service) hold(ctx context.Context, b *box, p *poll) (call, outcome) {
	over := time.NewTimer(s.holdFor)
	defer over.Stop()
	for {
		if b.mayTake(p) {
			c, ok, err := s.claim(ctx, b, p)
			if err != nil {
				s.log.Warn("queue not read", "container", b.id, "err", err)
				s.counts.engineErrors.Add(1)
			}
			if ok {
				return c, took
			}
		}
		select {
		case <-p.wakes:
		case <-over.C:
			return call{}, ranOut
		case <-ctx.Done():
			return call{}, gone
		case <-s.polls.draining:
			return call{}, drained
		}
	}
}

// claim takes the first call of the queue for the poll. QUEUED→DELIVERED is one compare-and-set: exactly one poll of
// one replica gets it.
func (s *Service) claim(ctx context.Context, b *box, p *poll) (call, bool, error) {
	ctx, cancel := work(ctx)
	defer cancel()
	for range maxTries {
		calls, err := s.openCalls(ctx, b.id)
		if err != nil {
			return call{}, false, err
		}
		c, ok := s.first(ctx, calls, p)
		if !ok {
			return call{}, false, nil
		}
		c.move(Delivered)
		err = s.writeCall(ctx, &c)
		if err == nil {
			return c, true, nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return call{}, false, err
		}
		s.counts.lostClaims.Add(1)
	}
	return call{}, false, nil
}

// first is the first call that the poll may have: queued, or delivered once and not acknowledged within the lease if
// the client knows duplicates. One whose life is over is never delivered.
func (s *Service) first(ctx context.Context, calls []call, p *poll) (call, bool) {
	for _, c := range calls {
		s.clocks.track(&c)
		again := c.State == Unanswered && !c.acknowledged() && p.dedupe
		if c.State != Queued && !again {
			continue
		}
		if s.clocks.left(&c) > 0 {
			return c, true
		}
		s.callDue(ctx, callSubject(c.Container, c.ID))
	}
	return call{}, false
}

// answerPoll writes the reply and reports whether the client got it. A call goes back to the head of the queue when
// its client is known to be gone, or when not one byte of the reply could be written.
func (s *Service) answerPoll(w http.ResponseWriter, r *request, c call, how outcome) (alive bool) {
	var body []byte
	switch how {
	case gone:
		return false
	case took:
		if r.Context().Err() != nil {
			s.putBack(r.Context(), c)
			return false
		}
		body = s.wireCall(c).AppendReply(nil)
	case drained:
		w.Header().Set("Connection", "close")
		fallthrough
	default:
		body = push.Idle().Append(nil)
	}
	out := http.NewResponseController(w)
	if err := out.SetWriteDeadline(time.Now().Add(writeLimit)); err == nil {
		defer s.lift(w)
	}
	writePoll(w, r, body)
	err := out.Flush()
	if err != nil && how == took && nothingSent(err, len(body)) {
		s.putBack(r.Context(), c)
	}
	return err == nil
}

// writePoll spares our own agent, which polls 80 times an hour over links that
// are paid by the byte, what it learns elsewhere or has no cache for.
func writePoll(w http.ResponseWriter, r *request, body []byte) {
	if r.Header.Get(push.HeaderPoll) == "" {
		writeBody(w, http.StatusOK, body)
		return
	}
	h := w.Header()
	h["Date"] = nil
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	w.Write(body) //nolint:errcheck // the caller asks Flush, which tells
}

// buffered is what net/http collects before it writes to the connection; headers need some of it.
const buffered = 4096 - 1024

// nothingSent says whether a failed flush means that not one byte left. A reply that fits the server's buffer is one
// write, and one write that fails for another reason than its deadline sent nothing; of anything else we do not know,
// and a call that might have arrived is left to its lease.
func nothingSent(err error, size int) bool {
	return size <= buffered && !errors.Is(err, os.ErrDeadlineExceeded)
}

func (s *Service) putBack(ctx context.Context, c call) {
	ctx, cancel := work(ctx)
	defer cancel()
	s.counts.putBacks.Add(1)
	delivery := c.Deliveries
	_, err := s.change(ctx, callSubject(c.Container, c.ID), func(c *call) bool {
		if c.State != Delivered || c.Deliveries != delivery {
			return false
		}
		c.move(Queued)
		return true
	})
	if err != nil {
		s.log.Warn("call not put back, its lease will tell", "call", c.ID, "err", err)
	}
}

// wireCall is the call as the container gets it. An operator's click has the container itself as its sender.
func (s *Service) wireCall(c call) push.Call {
	return push.Call{
		RootContainerID: c.Container, ContainerID: c.Container, SenderID: cmp.Or(c.Caller, c.Container),
		MessageID: c.ID, Data: c.Data, TTL: s.clocks.left(&c),
	}
}
