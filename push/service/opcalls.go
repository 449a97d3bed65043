package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"longarm/push"
	"longarm/push/engine"
)

const (
	minTTL       = push.MinTTL
	maxData      = 16 << 10 // bytes of a call's data; the envelope around it stays far below push.MaxBody
	maxOpenCalls = 100      // of one container
	maxWait      = 5 * time.Minute
)

// callAsk is the body of POST …/calls.
type callAsk struct {
	Data json.RawMessage `json:"data"`
	TTL  *string         `json:"ttl"`
}

// read returns what is asked for, or a sentence that says what is wrong.
func (a *callAsk) read() (data string, ttl time.Duration, wrong string) {
	raw := bytes.TrimSpace(a.Data)
	switch {
	case len(raw) > 0 && raw[0] == '"':
		if err := json.Unmarshal(raw, &data); err != nil {
			return "", 0, "data: " + plain(err)
		}
	case len(raw) > 0 && raw[0] == '{': // travels as a string, as all payloads do
		data = string(compact(raw))
	}
	if data == "" || len(data) > maxData || !utf8.ValidString(data) {
		return "", 0, fmt.Sprintf(`data: want what the button says, a string like "router cycle 10s" or an object, 1 to %d bytes`, maxData)
	}
	ttl = push.DefaultTTL
	if a.TTL != nil {
		d, err := time.ParseDuration(*a.TTL)
		if err != nil || d < minTTL || d > push.MaxTTL {
			return "", 0, `ttl: want a duration like "60s" from 1s to 24h`
		}
		ttl = d
	}
	return data, ttl, ""
}

// createCall is POST /api/v1/containers/{id}/calls.
func (s *Service) createCall(w http.ResponseWriter, r *http.Request) {
	b := s.containerOf(w, r)
	if b == nil {
		return
	}
	var ask callAsk
	if !readJSON(w, r, &ask) {
		return
	}
	data, ttl, wrong := ask.read()
	if wrong != "" {
		fail(w, http.StatusBadRequest, wrong)
		return
	}
	c := &call{
		ID: push.NewID(), Container: b.id, Data: data, Life: ttl, Expires: time.Now().Add(ttl).UTC(),
		Sender: by(r), From: r.RemoteAddr,
	}
	c.move(Queued)
	ctx, cancel := work(r.Context())
	defer cancel()
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		s.createOnce(ctx, w, r, b, c, key)
		return
	}
	err := s.mayCall(ctx, b)
	if err == nil {
		err = s.writeCall(ctx, c)
	}
	if err != nil {
		s.failCall(ctx, w, err)
		return
	}
	s.accepted(w, c)
}

// failCall tells an operator why no call was made.
func (s *Service) failCall(ctx context.Context, w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*notNow](err)
	if !ok {
		s.failEngine(ctx, w, "make a call", err)
		return
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.retry/time.Second)))
	}
	fail(w, f.status, f.message)
}

// accepted is the answer to a call that will be delivered if it can be.
func (s *Service) accepted(w http.ResponseWriter, c *call) {
	w.Header().Set("Location", "/api/v1/calls/"+c.ID)
	answer(w, http.StatusAccepted, struct {
		MessageID string `json:"messageId"`
		State     State  `json:"state"`
	}{c.ID, Queued})
}

// notNow says why a container cannot be called, or why somebody may not call it.
type notNow struct{ refusal }

func (n *notNow) Error() string { return n.message }

// mayCall is a *notNow when the container cannot be called now: the user must know at once (protocol.md 5).
func (s *Service) mayCall(ctx context.Context, b *box) error {
	b.mu.Lock()
	st, clash := b.standing, b.clash
	b.mu.Unlock()
	switch {
	case st.State == stateSignedOff && st.Reason != "":
		return &notNow{refusal{status: http.StatusConflict, message: "signed off: " + st.Reason}}
	case st.State == stateSignedOff:
		return &notNow{refusal{status: http.StatusConflict, message: "signed off"}}
	case clash || st.Conflict:
		return &notNow{refusal{status: http.StatusConflict,
			message: "conflict: two instances use this container; pick one with POST /api/v1/containers/{id}/instance"}}
	}
	calls, err := s.openCalls(ctx, b.id)
	if err != nil {
		return err
	}
	if len(calls) >= maxOpenCalls {
		return &notNow{refusal{status: http.StatusTooManyRequests, retry: 30 * time.Second,
			message: fmt.Sprintf("too many open calls: want at most %d for one container", maxOpenCalls)}}
	}
	return nil
}

// showCall is GET /api/v1/calls/{messageId}. With ?wait=30s it answers when the call is closed or goes unanswered, or
// else after that time.
func (s *Service) showCall(w http.ResponseWriter, r *http.Request) {
	var wait time.Duration
	if text := r.URL.Query().Get("wait"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
			fail(w, http.StatusBadRequest, `wait: want a duration like "30s" up to 5m`)
			return
		}
	}
	id := r.PathValue("messageId")
	s.lift(w)
	l := s.hub.listen(token(id)) // before the first look, so that nothing falls between
	defer s.hub.leave(l)
	c, err := s.searchCall(r.Context(), id)
	if err == nil && !c.Closed && wait > 0 {
		c, err = s.await(r.Context(), l, c, wait)
	}
	s.answerCall(r.Context(), w, c, err)
}

func (s *Service) answerCall(ctx context.Context, w http.ResponseWriter, c call, err error) {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		fail(w, http.StatusNotFound, "no call of that id")
	case err != nil:
		s.failEngine(ctx, w, "read a call", err)
	default:
		answer(w, http.StatusOK, c.view())
	}
}

// await waits until the call is settled in another state than now.
func (s *Service) await(ctx context.Context, l *listener, c call, wait time.Duration) (call, error) {
	was := c.State
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		select {
		case <-l.events:
		case <-over.C:
			return s.searchCall(ctx, c.ID)
		case <-s.polls.draining:
			return c, nil
		case <-ctx.Done():
			return c, ctx.Err()
		}
		next, err := s.searchCall(ctx, c.ID)
		if err != nil || next.Closed || next.settled() && next.State != was {
			return next, err
		}
		was = next.State
	}
}

// cancelCall is DELETE /api/v1/calls/{messageId}: while it is queued.
func (s *Service) cancelCall(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := work(r.Context())
	defer cancel()
	c, err := s.searchCall(ctx, r.PathValue("messageId"))
	done := false
	if err == nil {
		c, err = s.change(ctx, callSubject(c.Container, c.ID), func(c *call) bool {
			if done = c.State == Cancelled; c.State != Queued {
				return false
			}
			c.move(Cancelled)
			done = true
			return true
		})
	}
	if err == nil && !done {
		fail(w, http.StatusConflict, fmt.Sprintf("the call is %s: only a queued one can be cancelled", c.State))
		return
	}
	s.answerCall(ctx, w, c, err)
}
