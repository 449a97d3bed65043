package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"longarm/push"
	"longarm/push/engine"
)

// serveResult closes a call (protocol.md 4).
func (s *Service) serveResult(w http.ResponseWriter, r *request) {
	result, err := push.ParseResult(r.Header.Get("Content-Type"), r.body)
	if err != nil {
		s.refuse(w, r.Request, refusal{status: http.StatusBadRequest, message: err.Error()}, false)
		return
	}
	ctx, cancel := work(r.Context())
	defer cancel()
	s.beat(ctx, r.box, r.instance())
	answer, err := s.takeResult(ctx, callSubject(r.box.id, r.id), result)
	if err != nil {
		s.broken(w, r.Request, "take a result", err)
		return
	}
	reply(w, http.StatusOK, answer)
}

func (s *Service) takeResult(ctx context.Context, subject string, result push.Result) (push.Reply, error) {
	var answer push.Reply
	_, err := s.change(ctx, subject, func(c *call) bool {
		s.clocks.track(c)
		answer = yes
		switch {
		case c.Closed && c.Result != nil && sameResult(*c.Result, result):
			return false
		case c.Closed:
			answer = no(ended(c))
			return false
		case c.State == Queued:
			answer = no("not delivered: the call waits for a poll")
			return false
		case !c.acknowledged() && s.clocks.left(c) <= 0:
			answer = no("expired")
			c.move(Expired)
			return true
		}
		c.Late = c.Late || c.State == Unanswered
		c.Result = &result
		c.move(verdict(result))
		return true
	})
	if errors.Is(err, engine.ErrNotFound) {
		return no("unknown call: this container has none of that id"), nil
	}
	return answer, err
}

// verdict is the state that a result ends its call in. What may have happened is not "failed": that would invite a
// second click.
func verdict(r push.Result) State {
	var data struct {
		State string `json:"state"`
	}
	if json.Unmarshal(r.Data, &data) == nil && data.State == "unknown" {
		return Unknown
	}
	if r.Success {
		return Succeeded
	}
	return Failed
}

func sameResult(a, b push.Result) bool {
	return a.Success == b.Success && a.Message == b.Message && bytes.Equal(compact(a.Data), compact(b.Data))
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}
