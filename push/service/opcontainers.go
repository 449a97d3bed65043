package service

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"longarm/push"
)

// containerJSON is a container as the operator API shows it (design.md 6).
type containerJSON struct {
	ID                  string          `json:"id"`
	Key                 string          `json:"key,omitempty"` // once, when it is made
	Name                string          `json:"name"`
	State               string          `json:"state"`
	Flapping            bool            `json:"flapping"`
	Conflict            bool            `json:"conflict"`
	LastSeen            stamp           `json:"lastSeen,omitzero"`
	Reason              string          `json:"reason"`
	OpenCalls           int             `json:"openCalls"`
	MaxHeartbeatTimeout int             `json:"maxHeartbeatTimeout"` // minutes
	Buttons             []push.Button   `json:"buttons"`
	MayCall             []string        `json:"mayCall,omitempty"`
	Instances           []instanceJSON  `json:"instances,omitempty"`
	Picked              string          `json:"picked,omitempty"`
	Report              json.RawMessage `json:"report,omitempty"`
	Warning             string          `json:"warning,omitempty"`
}

func (s *Service) viewContainer(b *box, open int) containerJSON {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	v := containerJSON{
		ID: b.id, Name: b.reg.Object.Name, State: b.state(now),
		Flapping: b.standing.flapping(now), Conflict: b.clash || b.standing.Conflict,
		LastSeen: stamp{b.seen}, Reason: b.note(now), OpenCalls: open,
		MaxHeartbeatTimeout: int(b.reg.limit() / time.Minute),
		Buttons:             b.reg.Object.Action.Buttons, MayCall: b.reg.MayCall, Picked: b.standing.Picked, Report: b.report,
	}
	if v.Buttons == nil {
		v.Buttons = []push.Button{}
	}
	if v.Conflict || v.Picked != "" {
		v.Instances = b.instances()
	}
	return v
}

// listContainers is GET /api/v1/containers: a plain array, by name.
func (s *Service) listContainers(w http.ResponseWriter, r *http.Request) {
	docs, err := s.engine.List(r.Context(), "call.>")
	if err != nil {
		s.failEngine(r.Context(), w, "list calls", err)
		return
	}
	open := map[string]int{}
	for _, d := range docs {
		c, err := decodeCall(d)
		if err != nil {
			s.failEngine(r.Context(), w, "list calls", err)
			return
		}
		if !c.Closed { // else it is about to be filed
			open[token(c.Container)]++
		}
	}
	list := []containerJSON{}
	for _, b := range s.boxes.all() {
		list = append(list, s.viewContainer(b, open[token(b.id)]))
	}
	slices.SortFunc(list, func(a, b containerJSON) int {
		return cmp.Or(cmp.Compare(fold(a.Name), fold(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	answer(w, http.StatusOK, list)
}

func (s *Service) showContainer(w http.ResponseWriter, r *http.Request) {
	b := s.containerOf(w, r)
	if b == nil {
		return
	}
	calls, err := s.openCalls(r.Context(), b.id)
	if err != nil {
		s.failEngine(r.Context(), w, "list calls", err)
		return
	}
	answer(w, http.StatusOK, s.viewContainer(b, len(calls)))
}

// createContainer is POST /api/v1/containers. The key is in the answer and nowhere else.
func (s *Service) createContainer(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		ID                  string      `json:"id"`
		Name                string      `json:"name"`
		MaxHeartbeatTimeout *int        `json:"maxHeartbeatTimeout"`
		Buttons             []buttonAsk `json:"buttons"`
		MayCall             []string    `json:"mayCall"`
	}
	if !readJSON(w, r, &ask) {
		return
	}
	c := push.Container{ID: cmp.Or(ask.ID, push.NewID()), Name: ask.Name, Type: push.TypeExternal}
	c.Action.Type = push.ActionPush
	for _, b := range ask.Buttons {
		c.Action.Buttons = append(c.Action.Buttons, b.button())
	}
	if ask.MaxHeartbeatTimeout != nil {
		c.MaxHeartbeatTimeout = *ask.MaxHeartbeatTimeout
	}
	mayCall, message := s.grants(ask.MayCall)
	if message = cmp.Or(checkContainer(&c), message); message != "" {
		fail(w, http.StatusBadRequest, message)
		return
	}
	key := newSecret("lk_")
	b, err := s.addContainer(r.Context(), registration{Object: c, KeyHash: hashKey(key), MayCall: mayCall})
	if errors.Is(err, errTaken) {
		fail(w, http.StatusConflict, "this name or id is taken by another container: want another")
		return
	}
	if err != nil {
		s.failEngine(r.Context(), w, "add a container", err)
		return
	}
	s.warnShort(c)
	s.log.Info("container added", "container", b.id, "name", c.Name, "by", by(r))
	v := s.viewContainer(b, 0)
	v.Key = key
	if m := c.MaxHeartbeatTimeout; m > 0 && m < warnMinutes {
		v.Warning = "maxHeartbeatTimeout below 5 minutes: an update of the service may look like an outage"
	}
	w.Header().Set("Location", "/api/v1/containers/"+b.id)
	answer(w, http.StatusCreated, v)
}

// newSecret is a random key of 130 bits or more; the prefix says what it opens.
func newSecret(prefix string) string { return prefix + rand.Text() + rand.Text() }
