package service

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"longarm/push"
)

// refusal is an answered error of a device route.
type refusal struct {
	status  int
	message string
	retry   time.Duration // Retry-After, 0 for none
	allow   string        // Allow, with 405
	hangUp  bool          // Connection: close
}

// yes is the answer to what was done.
var yes = push.Reply{Success: true}

func no(reason string) push.Reply { return push.Reply{Message: reason} }

// reply answers with an envelope.
func reply(w http.ResponseWriter, status int, r push.Reply) {
	writeBody(w, status, r.Append(nil))
}

// writeBody answers in one piece. An error means that the client is gone; who cares flushes.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the caller asks Flush, which tells
}

// refuse answers with an error. Errors to polls wait a little first: there are clients that poll again with no pause.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, f refusal, poll bool) {
	s.counts.refused(f.status)
	if poll && !s.tarpit(r) {
		f = refusal{status: http.StatusTooManyRequests, message: "too many refused requests", retry: 30 * time.Second, hangUp: true}
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.retry+time.Second-1)/time.Second)))
	}
	if f.allow != "" {
		w.Header().Set("Allow", f.allow)
	}
	if f.hangUp {
		w.Header().Set("Connection", "close")
	}
	reply(w, f.status, no(f.message))
}

// errorsWaits is how many refused polls may wait at the same time.
const errorsWaits = 2000

// tarpit holds a refused poll for a moment; false when too many are held already.
func (s *Service) tarpit(r *http.Request) bool {
	select {
	case s.pit <- struct{}{}:
		defer func() { <-s.pit }()
	default:
		return false
	}
	wait := time.NewTimer(push.ErrorDelay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
	}
	return true
}

// broken answers a device whose request met trouble of our own.
func (s *Service) broken(w http.ResponseWriter, r *http.Request, what string, err error) {
	s.trouble(r.Context(), what, err)
	s.refuse(w, r, refusal{status: http.StatusServiceUnavailable, message: "the service cannot reach its storage", retry: 5 * time.Second}, false)
}

// trouble takes note of an engine's error. That ctx, the work's, was cancelled is none: somebody hung up.
func (s *Service) trouble(ctx context.Context, what string, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	s.log.Error("engine trouble", "what", what, "err", err)
	s.counts.engineErrors.Add(1)
}
