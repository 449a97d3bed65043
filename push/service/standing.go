package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"longarm/push/engine"
)

// The states of a container (design.md 6). stateLate is never stored: it is online, and silent for a while.
const (
	stateNew       = "new"
	stateOnline    = "online"
	stateLate      = "late"
	stateOffline   = "offline"
	stateSignedOff = "signed-off"
)

// standing is the document state.<container>: every change of it is one compare-and-set, so it happens once, and whoever
// tells the world about it finds it there.
type standing struct {
	State    string      `json:"state"`
	Reason   string      `json:"reason,omitempty"`
	At       time.Time   `json:"at"`
	N        uint64      `json:"n,omitempty"`        // of a sign-off: the highest poll that it knew of
	Instance string      `json:"instance,omitempty"` // of a sign-off: who
	Conflict bool        `json:"conflict,omitempty"` // two instances alternate
	Picked   string      `json:"picked,omitempty"`   // the instance that an operator picked
	Decided  time.Time   `json:"decided,omitzero"`   // when an operator picked, or lifted that
	Changes  []time.Time `json:"changes,omitempty"`  // the last ones between online and offline

	Peers map[string]time.Time `json:"peers,omitempty"` // whom an operator may pick; replaced as a whole, never changed
}

// refuses says whether an operator picked another instance than this one. A foreign client has none.
func (st *standing) refuses(instance string) bool {
	return instance != "" && st.Picked != "" && st.Picked != instance
}

// signsOn says whether a poll that starts after the sign-off ends it (protocol.md 6): a foreign one always, one of the same
// agent only if the sign-off did not know of it.
func (st *standing) signsOn(p *poll) bool {
	if p.n == 0 || st.N == 0 || st.Instance != "" && p.instance != "" && st.Instance != p.instance {
		return true
	}
	return p.n > st.N
}

// turn gives the standing a new state.
func (st *standing) turn(state, reason string) {
	if st.State != stateNew && st.State != stateSignedOff && state != stateSignedOff {
		st.Changes = append(st.Changes, time.Now().UTC())
		st.Changes = st.Changes[max(0, len(st.Changes)-flapCount):]
	}
	st.State, st.Reason, st.At = state, reason, time.Now().UTC()
	st.N, st.Instance = 0, ""
}

const (
	flapCount = 6
	flapSpan  = time.Hour
)

// flapping says that the container came and went too often to believe either.
func (st *standing) flapping(now time.Time) bool {
	return len(st.Changes) == flapCount && now.Sub(st.Changes[0]) < flapSpan
}

// stand lets decide alter a container's standing and writes it when decide says so; when another writer was first it
// reads and decides again.
func (s *Service) stand(ctx context.Context, b *box, decide func(st *standing) bool) error {
	ctx, cancel := work(ctx)
	defer cancel()
	for {
		b.mu.Lock()
		st, rev := b.standing, b.standRev
		b.mu.Unlock()
		st.Changes = append([]time.Time(nil), st.Changes...)
		if !decide(&st) {
			return nil
		}
		data, err := json.Marshal(st)
		if err != nil {
			return fmt.Errorf("encode state of %s: %w", b.id, err)
		}
		next, err := s.engine.Append(ctx, stateSubject(b.id), data, rev)
		if err == nil {
			s.stood(b, st, next)
			return nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return fmt.Errorf("write state of %s: %w", b.id, err)
		}
		d, err := s.engine.Last(ctx, stateSubject(b.id))
		if err != nil {
			return fmt.Errorf("read state of %s: %w", b.id, err)
		}
		if err := s.readStanding(b, d); err != nil {
			return err
		}
	}
}

func (s *Service) readStanding(b *box, d engine.Doc) error {
	var st standing
	if err := json.Unmarshal(d.Data, &st); err != nil {
		return fmt.Errorf("decode %s: %w", d.Subject, err)
	}
	s.stood(b, st, d.Revision)
	return nil
}

// stood takes over a version of the standing. A sign-off deafens the polls that are open at this moment, a pick those of
// the other instances.
func (s *Service) stood(b *box, st standing, rev uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rev <= b.standRev {
		return
	}
	was := b.standing
	b.standing, b.standRev = st, rev
	b.clash = false // it is written down now, or an operator picked one
	if !st.Decided.Equal(was.Decided) {
		b.instance = st.Picked
	}
	for instance, at := range st.Peers {
		if at.After(b.peers[instance]) {
			b.met(instance, at)
		}
	}
	b.deafen(st.State == stateSignedOff && was.State != stateSignedOff)
	if st.State == stateOnline {
		s.timers.set(boxTimer+token(b.id), time.Now().Add(b.lateAfter()))
	}
	b.wakeLocked()
}
