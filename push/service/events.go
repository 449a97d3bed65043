package service

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// event is one thing that a person may want to see.
type event struct {
	kind string // "call" or "container"
	data []byte
}

// listener gets events until it leaves; one that does not keep up loses its place.
type listener struct {
	call   string // token of the one call that it cares for; "" is everything
	events chan event
	lost   chan struct{} // closed when it lost its place
}

// hub passes events on to those who look.
type hub struct {
	mu        sync.Mutex
	listeners map[*listener]bool
}

// behind is how many events a listener may be late.
const behind = 256

func (h *hub) listen(call string) *listener {
	l := &listener{call: call, events: make(chan event, behind), lost: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[*listener]bool{}
	}
	h.listeners[l] = true
	return l
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

func (h *hub) tell(call string, e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.call != "" && l.call != call {
			continue
		}
		select {
		case l.events <- e:
		default:
			if l.call == "" {
				close(l.lost)
				delete(h.listeners, l)
			} // who waits for one call looks for itself and needs one wake, not all
		}
	}
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners)
}

func (s *Service) tellCall(c *call) {
	if data, err := json.Marshal(c.view()); err == nil { // it has no field that could not be encoded
		s.hub.tell(token(c.ID), event{"call", data})
	}
}

func (s *Service) tellContainer(ctx context.Context, b *box) {
	if s.hub.count() == 0 {
		return
	}
	ctx, cancel := work(ctx)
	defer cancel()
	calls, err := s.openCalls(ctx, b.id)
	if err != nil {
		return // the next event will show it
	}
	if data, err := json.Marshal(s.viewContainer(b, len(calls))); err == nil {
		s.hub.tell("", event{"container", data})
	}
}

// streamBeat is how often a silent stream shows that it lives.
const streamBeat = 15 * time.Second

// serveEvents is GET /api/v1/events: server-sent events, "call" and "container", each with the same object that a GET shows.
// A listener that is too slow is cut off: it connects again and looks at the whole.
func (s *Service) serveEvents(w http.ResponseWriter, r *http.Request) {
	l := s.hub.listen("")
	defer s.hub.leave(l)
	out := http.NewResponseController(w)
	s.lift(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	text := ": hello\n\n"
	for {
		if err := out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
			s.log.Debug("no write deadline to set", "err", err)
		}
		if _, err := strings.NewReader(text).WriteTo(w); err != nil || out.Flush() != nil {
			return
		}
		select {
		case e := <-l.events:
			text = "event: " + e.kind + "\ndata: " + string(e.data) + "\n\n"
		case <-beat.C:
			text = ":\n\n"
		case <-l.lost:
			return
		case <-s.polls.draining:
			return
		case <-r.Context().Done():
			return
		}
	}
}
