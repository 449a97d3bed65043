package service

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longarm/push"
)

// maxReason bounds what a container may say of why it goes, in bytes.
const maxReason = 200

// serveSignOff takes the container's goodbye: always a success, however often it comes (protocol.md 6).
func (s *Service) serveSignOff(w http.ResponseWriter, r *request) {
	n, _ := strconv.ParseUint(r.Header.Get(push.HeaderPoll), 10, 64) // a foreign client has none
	instance := r.instance()
	reason := anyCase(r.URL.Query(), "reason")
	if reason == "" {
		reason = bodyField(r.body, "reason")
	}
	reason = clean(reason, maxReason)
	if r.box.stranger(instance) {
		reply(w, http.StatusOK, yes) // the box that an operator picked, or that came later, is still there
		return
	}
	news := false
	err := s.stand(r.Context(), r.box, func(st *standing) bool {
		if news = st.State != stateSignedOff || n > st.N; !news {
			return false
		}
		st.turn(stateSignedOff, reason)
		st.N, st.Instance = n, instance
		return true
	})
	if err != nil {
		s.broken(w, r.Request, "sign off", err)
		return
	}
	if news {
		s.log.Info("container signed off", "container", r.box.id, "reason", reason)
	}
	r.box.heardLast(time.Now())
	reply(w, http.StatusOK, yes)
}

// heardLast is for a sign-off: it was heard, but it is no sign of more to come.
func (b *box) heardLast(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = now
}

// stranger says whether the sign-off of that instance does not speak for the container.
func (b *box) stranger(instance string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if instance == "" {
		return false
	}
	if picked := b.standing.Picked; picked != "" {
		return picked != instance
	}
	return b.instance != "" && b.instance != instance
}

// clean makes a text of a client fit to be shown and logged: valid, without control characters, not too long.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
}

// serveState takes the report of our agent (protocol.md 6). It is kept in memory: losing it loses nothing.
func (s *Service) serveState(w http.ResponseWriter, r *request) {
	var report push.Report
	if err := json.Unmarshal(r.body, &report); err != nil {
		s.refuse(w, r.Request, refusal{status: http.StatusBadRequest, message: "state not understood: want {\"targets\":[…],\"agent\":{…}}"}, false)
		return
	}
	data, err := json.Marshal(report)
	if err != nil {
		s.broken(w, r.Request, "encode a report", err)
		return
	}
	if !s.beat(r.Context(), r.box, r.instance()) {
		s.refuse(w, r.Request, refusal{status: http.StatusConflict, message: notPicked}, false)
		return
	}
	if !r.box.stranger(r.instance()) {
		r.box.reported(data)
		if err := s.engine.Publish(r.Context(), "report."+token(r.box.id), data); err != nil {
			s.log.Debug("report not passed on", "container", r.box.id, "err", err)
		}
	}
	reply(w, http.StatusOK, yes)
}

func (b *box) reported(data json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report = data
}
