package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sightings are what the demo saw of its service, its agent and its boards, and
// nothing that it did not see. Safe for concurrent use.
type sightings struct {
	t *teller

	mu     sync.Mutex
	news   chan struct{} // closed, and replaced, at each sighting
	calls  map[string]callDoc
	order  []string // message ids; call #1 is the first
	edges  []edgeSeen
	sent   map[string][]byte // what each board was sent
	box    containerDoc
	boxWas string
}

// edgeSeen is one change of an output.
type edgeSeen struct {
	at     time.Time
	name   string
	active bool
	why    string // of the trace; a board does not know it
	by     string
}

func (e edgeSeen) String() string {
	if e.active {
		return e.name + " active"
	}
	return e.name + " inactive"
}

func newSightings(t *teller) *sightings {
	return &sightings{t: t, news: make(chan struct{}), calls: map[string]callDoc{}, sent: map[string][]byte{}}
}

// look runs f under the lock.
func (s *sightings) look(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// note runs f under the lock, as something new.
func (s *sightings) note(f func()) {
	s.look(func() {
		f()
		close(s.news)
		s.news = make(chan struct{})
	})
}

// await waits until ok, which runs under the lock, or until limit is over. The
// result says which of both it was.
func (s *sightings) await(ctx context.Context, limit time.Duration, ok func() bool) (bool, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		var good bool
		var news chan struct{}
		s.look(func() { good, news = ok(), s.news })
		if good {
			return true, nil
		}
		select {
		case <-news:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// number is the call's short name; the lock is held.
func (s *sightings) number(id string) string {
	for i, known := range s.order {
		if known == id {
			return fmt.Sprintf("#%d", i+1)
		}
	}
	s.order = append(s.order, id)
	name := fmt.Sprintf("#%d", len(s.order))
	s.t.name(id, name)
	return name
}

// short puts the short names of calls for their ids and bounds the length; the
// lock is held.
func (s *sightings) short(text string) string {
	const most = 170
	for i, id := range s.order {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("#%d", i+1))
	}
	if r := []rune(clean(text)); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return clean(text)
}

// call takes a call's document and tells the steps that are new in it.
func (s *sightings) call(d callDoc) {
	s.note(func() {
		was := s.calls[d.MessageID]
		s.calls[d.MessageID] = d
		n := s.number(d.MessageID)
		if was.At.Queued.IsZero() {
			s.t.say(d.At.Queued, rankQueued, "operator", "service", n+" call "+s.short(d.Data))
		}
		if !d.At.Delivered.IsZero() && d.At.Delivered != was.At.Delivered {
			s.t.say(d.At.Delivered, rankDelivered, "service", "agent", n+" "+s.short(d.Data)+s.t.p.paint(dim, " (the reply to a poll)"))
		}
		if !d.At.Acknowledged.IsZero() && was.At.Acknowledged.IsZero() {
			s.t.say(d.At.Acknowledged, rankAcknowledged, "agent", "service", n+" acknowledged")
		}
		if !d.At.Closed.IsZero() && was.At.Closed.IsZero() {
			s.closed(d, n)
		}
	})
}

// closed tells a call's end; the lock is held.
func (s *sightings) closed(d callDoc, n string) {
	if d.Result == nil {
		s.t.say(d.At.Closed, rankClosed, "service", "operator", n+" "+s.t.p.state(clean(d.State)))
		return
	}
	s.t.say(d.At.Closed, rankClosed, "agent", "service", n+" "+s.t.p.state(clean(d.State))+": "+s.short(d.Result.Message))
	if facts := s.short(answerLine(d)); facts != "" && d.State == "succeeded" && !strings.HasPrefix(facts, "agent ") {
		s.t.say(d.At.Closed, rankClosed, "service", "operator", n+" "+s.t.p.proof(facts))
	}
}

// container takes the box's document and tells when it comes and goes.
func (s *sightings) container(d containerDoc) {
	s.note(func() {
		s.box = d
		line := d.State + " " + d.Reason
		if line == s.boxWas {
			return
		}
		s.boxWas = line
		text := "polls: " + s.t.p.state(clean(d.State))
		switch d.State {
		case "online":
		case "signed-off":
			text = "signs off: " + s.t.p.state(clean(d.Reason))
		default:
			s.t.say(time.Now(), rankBox, "service", "operator", clean(d.Name)+" is "+s.t.p.state(clean(d.State)))
			return
		}
		s.t.say(time.Now(), rankBox, "agent", "service", text)
	})
}

// edge takes a move of an output.
func (s *sightings) edge(e edgeSeen) {
	s.note(func() {
		s.edges = append(s.edges, e)
		level, load := "inactive", "off"
		if e.active {
			level = "active"
		}
		if e.active == (contacts[e.name] == "no") {
			load = "on"
		}
		text := fmt.Sprintf("line %s, load %s", level, load)
		if e.why != "" {
			text += s.t.p.paint(dim, "  ("+s.short(e.why)+")")
		}
		s.t.say(e.at, rankEdge, e.by, e.name, text)
	})
}

// bytes takes what passed on a board's wire.
func (s *sightings) bytes(board string, toBoard bool, p []byte) {
	s.note(func() {
		if !toBoard {
			s.t.say(time.Now(), rankEdge, board, "agent", wireText(p))
			return
		}
		s.sent[board] = append(s.sent[board], p...)
		s.t.say(time.Now(), rankEdge, "agent", board, wireText(p))
	})
}

// wireText is bytes as a person reads them: lines of text as such, all else in
// hex.
func wireText(p []byte) string {
	if bytes.ContainsFunc(p, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' || r > '~' }) {
		return fmt.Sprintf("% X", p)
	}
	return strconv.Quote(string(p))
}
