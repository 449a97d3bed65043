package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"longarm/push"
)

const (
	callBurst   = 20              // new calls of one caller at once
	callSpacing = 5 * time.Second // and then between two of them
	maxGrants   = 100
)

// serveCall makes a call of one container to another that its grants allow (protocol.md 6). It is no heartbeat.
func (s *Service) serveCall(w http.ResponseWriter, r *request) {
	ask, err := push.ParseCallRequest(r.Header.Get("Content-Type"), r.body)
	if err == nil && len(ask.Data) > maxData {
		err = fmt.Errorf("data: want at most %d bytes", maxData)
	}
	if err != nil {
		s.refuse(w, r.Request, refusal{status: http.StatusBadRequest, message: err.Error()}, false)
		return
	}
	target := s.boxes.find(r.id)
	if target == nil {
		s.refuse(w, r.Request, refusal{status: http.StatusNotFound, message: "unknown target: no container of that id can be called"}, false)
		return
	}
	ctx, cancel := work(r.Context())
	defer cancel()
	c := &call{
		ID: push.NewID(), Container: target.id, Data: ask.Data, Life: ask.TTL, Expires: time.Now().Add(ask.TTL).UTC(),
		Sender: r.box.registered().Object.Name, Caller: r.box.id, From: r.RemoteAddr,
	}
	c.move(Queued)
	// The life is not part of what was asked for: that of a repetition is what is left of it.
	mine := idempotent{Hash: hashKey(token(target.id) + "\n" + ask.Data), Expires: c.Expires}
	subject := "idem.box." + token(r.box.id) + "." + hashKey(fold(ask.ID))
	err = s.once(ctx, subject, mine, c, func() error { return s.mayCallFrom(ctx, r, target) })
	s.replyCall(w, r, c, err)
}

// replyCall tells a caller what became of its request.
func (s *Service) replyCall(w http.ResponseWriter, r *request, c *call, err error) {
	f, refused := errors.AsType[*notNow](err)
	switch {
	case err == nil:
		reply(w, http.StatusOK, push.CallTaken(c.ID))
	case errors.Is(err, errTooLate):
		reply(w, http.StatusOK, no(err.Error()))
	case errors.Is(err, errOtherCall):
		s.refuse(w, r.Request, refusal{status: http.StatusConflict, message: "this id was " + err.Error()}, false)
	case refused && f.status == http.StatusConflict: // the request was right, and the answer to it is no
		reply(w, http.StatusOK, no(f.message))
	case refused:
		s.refuse(w, r.Request, f.refusal, false)
	default:
		s.broken(w, r.Request, "make a call", err)
	}
}

// mayCallFrom is a *notNow when this caller may not call the target, or nobody can at present.
func (s *Service) mayCallFrom(ctx context.Context, r *request, target *box) error {
	allowed := slices.ContainsFunc(r.box.registered().MayCall, func(id string) bool { return token(id) == token(target.id) })
	if !allowed {
		return &notNow{refusal{status: http.StatusForbidden,
			message: "no grant: this container may not call " + target.id + "; an operator allows it with mayCall"}}
	}
	if r.box.doubtful(r.instance()) {
		return &notNow{refusal{status: http.StatusConflict, message: "conflict: two instances use the calling container and this one was not picked"}}
	}
	if wait := r.box.nextCall(time.Now()); wait > 0 {
		return &notNow{refusal{status: http.StatusTooManyRequests, retry: wait,
			message: fmt.Sprintf("too many calls: want at most %d at once and then one in %v of one container", callBurst, callSpacing)}}
	}
	return s.mayCall(ctx, target)
}

// doubtful says that nobody knows whether the instance that asks is the right one: it may be at the wrong site.
func (b *box) doubtful(instance string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clash || b.standing.Conflict || b.standing.refuses(instance)
}

// nextCall counts a new call of the container; when it makes too many it is not counted, and wait is above 0. The bound is
// that of one replica.
func (b *box) nextCall(now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.calling
	if due.Before(now) {
		due = now
	}
	if wait = due.Sub(now) - (callBurst-1)*callSpacing; wait > 0 {
		return wait
	}
	b.calling = due.Add(callSpacing)
	return 0
}

// grants are the ids of the containers that are named by id or name, each once; or a sentence says what is wrong.
func (s *Service) grants(names []string) (ids []string, wrong string) {
	if len(names) > maxGrants {
		return nil, fmt.Sprintf("mayCall: want at most %d containers", maxGrants)
	}
	for _, name := range names {
		b := s.boxes.named(name)
		if b == nil {
			return nil, fmt.Sprintf("mayCall: no container of the id or name %q: want one that exists", name)
		}
		if !slices.Contains(ids, b.id) {
			ids = append(ids, b.id)
		}
	}
	return ids, ""
}

// changeContainer is PATCH /api/v1/containers/{id} {"mayCall":[…]}: from now on the container may call these and no others.
func (s *Service) changeContainer(w http.ResponseWriter, r *http.Request) {
	b := s.containerOf(w, r)
	if b == nil {
		return
	}
	var ask struct {
		MayCall []string `json:"mayCall"`
	}
	if !readJSON(w, r, &ask) {
		return
	}
	if ask.MayCall == nil {
		fail(w, http.StatusBadRequest, `want {"mayCall":["id",…]}, the containers that this one may call; [] is none`)
		return
	}
	ids, wrong := s.grants(ask.MayCall)
	if wrong != "" {
		fail(w, http.StatusBadRequest, wrong)
		return
	}
	_, err := s.updateContainer(r.Context(), b, func(reg *registration) error {
		reg.MayCall = ids
		return nil
	})
	if err != nil {
		s.failEngine(r.Context(), w, "change a container", err)
		return
	}
	s.log.Info("grants changed", "container", b.id, "may_call", ids, "by", by(r))
	calls, err := s.openCalls(r.Context(), b.id)
	if err != nil {
		s.failEngine(r.Context(), w, "list calls", err)
		return
	}
	answer(w, http.StatusOK, s.viewContainer(b, len(calls)))
}
