package service

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// noteConflict writes down that two instances of our agent use one container: no call is taken or delivered until an
// operator picks one, for a relay must not move at the wrong site.
func (s *Service) noteConflict(ctx context.Context, b *box) {
	s.log.Warn("two instances use one container", "container", b.id)
	err := s.stand(ctx, b, func(st *standing) bool {
		if st.Conflict || st.Picked != "" {
			return false
		}
		st.Conflict, st.Peers = true, b.choices()
		return true
	})
	if err != nil { // it holds in memory
		s.log.Warn("conflict not written", "container", b.id, "err", err)
	}
}

// pickInstance is POST /api/v1/containers/{id}/instance {"instance":…}: the named one alone gets calls from now on; "" lets any.
func (s *Service) pickInstance(w http.ResponseWriter, r *http.Request) {
	b := s.containerOf(w, r)
	if b == nil {
		return
	}
	var ask struct {
		Instance *string `json:"instance"`
	}
	if !readJSON(w, r, &ask) {
		return
	}
	if ask.Instance == nil || len(*ask.Instance) > maxInstance {
		fail(w, http.StatusBadRequest, `want {"instance":"…"}, one of the container's instances, or "" to let any`)
		return
	}
	instance, status, wrong := b.choose(*ask.Instance)
	if wrong != "" {
		fail(w, status, wrong)
		return
	}
	err := s.stand(r.Context(), b, func(st *standing) bool {
		st.Picked, st.Conflict, st.Decided, st.Peers = instance, false, time.Now().UTC(), b.choices()
		return true
	})
	if err != nil {
		s.failEngine(r.Context(), w, "pick an instance", err)
		return
	}
	s.log.Info("instance picked", "container", b.id, "instance", instance, "by", by(r))
	answer(w, http.StatusOK, s.viewContainer(b, 0))
}

// instanceJSON is one instance of our agent that was heard.
type instanceJSON struct {
	Instance string `json:"instance"`
	LastSeen stamp  `json:"lastSeen"`
}

// instances returns who was heard, the latest first. The caller holds mu.
func (b *box) instances() []instanceJSON {
	list := []instanceJSON{}
	for id, at := range b.peers {
		list = append(list, instanceJSON{id, stamp{at}})
	}
	slices.SortFunc(list, func(a, b instanceJSON) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen.Time), cmp.Compare(a.Instance, b.Instance))
	})
	return list
}

// note is what a person should know of the container beside its state. The caller holds mu.
func (b *box) note(now time.Time) string {
	switch {
	case b.clash || b.standing.Conflict:
		return "conflict: two instances use this container, pick one"
	case b.standing.State == stateSignedOff:
		return b.standing.Reason
	case b.refusedAlone() != "":
		return fmt.Sprintf("the picked instance, %s, is silent; only a refused one was heard since: %s", b.standing.Picked, b.refusedAlone())
	case b.standing.State == stateOffline:
		return b.standing.Reason
	case b.twoDevices():
		return "two devices use this container"
	case b.standing.flapping(now):
		return "comes and goes"
	}
	return b.standing.Reason
}
