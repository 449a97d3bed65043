package service

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"longarm/push"
)

var containerMethods = []string{http.MethodPost, http.MethodPut, http.MethodGet}

// serveContainer is /1/container: a device registers itself, changes what it said, or asks (protocol.md 6). A new
// container needs an admin's token as its key, and keeps that as its own; a known one its key.
func (s *Service) serveContainer(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(containerMethods, r.Method) {
		allow := strings.Join(containerMethods, ", ")
		s.refuse(w, r, refusal{status: http.StatusMethodNotAllowed, message: "wrong method: want " + allow, allow: allow}, false)
		return
	}
	body, f := readBody(w, r)
	if f.status == 0 {
		body, f = objectOf(body)
	}
	if f.status != 0 {
		s.refuse(w, r, f, false)
		return
	}
	id := cmp.Or(anyCase(r.URL.Query(), "id"), bodyField(body, "id"))
	b, f := s.admitRegistrar(r, id, body)
	if f.status == 0 {
		defer s.keep(w)()
	}
	switch {
	case f.status != 0:
		s.refuse(w, r, f, false)
	case r.Method == http.MethodGet:
		replyContainer(w, b.registered().Object)
	case b == nil:
		s.registerNew(w, r, body)
	default:
		s.registerAgain(w, r, b, body)
	}
}

// admitRegistrar finds the container that a registration is about; nil and no refusal for a new one.
func (s *Service) admitRegistrar(r *http.Request, id string, body []byte) (*box, refusal) {
	t, ok := s.tokens.check(givenKey(r, body))
	b := s.boxes.find(id)
	admin := ok && t.Role == RoleAdmin
	switch {
	case b != nil && admin:
		return b, refusal{}
	case b == nil && admin && r.Method == http.MethodPost:
		return nil, refusal{}
	case b == nil && admin:
		return nil, refusal{status: http.StatusNotFound, message: "unknown container"}
	case ok:
		return nil, refusal{status: http.StatusForbidden, message: "this token may not register: want an admin's, or the container's key"}
	case b == nil && r.Method == http.MethodPost && s.boxes.knowsKey(hashKey(givenKey(r, body))):
		return nil, refusal{status: http.StatusForbidden, message: "this key belongs to another container: want an admin's token to register a new one"}
	}
	return s.admit(r, id, body)
}

func (s *Service) registerNew(w http.ResponseWriter, r *http.Request, body []byte) {
	c := push.Container{Type: push.TypeExternal}
	if message := mergeContainer(&c, body); message != "" {
		s.refuse(w, r, refusal{status: http.StatusBadRequest, message: message}, false)
		return
	}
	b, err := s.addContainer(r.Context(), registration{Object: c, KeyHash: hashKey(givenKey(r, body))})
	if s.refuseTaken(w, r, err) {
		return
	}
	s.warnShort(c)
	replyContainer(w, b.registered().Object)
}

func (s *Service) registerAgain(w http.ResponseWriter, r *http.Request, b *box, body []byte) {
	message := ""
	c, err := s.updateContainer(r.Context(), b, func(reg *registration) error {
		if message = mergeContainer(&reg.Object, body); message != "" {
			return errBadObject
		}
		return nil
	})
	if errors.Is(err, errBadObject) {
		s.refuse(w, r, refusal{status: http.StatusBadRequest, message: message}, false)
		return
	}
	if s.refuseTaken(w, r, err) {
		return
	}
	s.warnShort(c)
	replyContainer(w, c)
}

var errBadObject = errors.New("bad container object")

func (s *Service) refuseTaken(w http.ResponseWriter, r *http.Request, err error) bool {
	if errors.Is(err, errTaken) {
		s.refuse(w, r, refusal{status: http.StatusConflict, message: "this name or id is taken: want another"}, false)
	} else if err != nil {
		s.broken(w, r, "register", err)
	}
	return err != nil
}

func (s *Service) warnShort(c push.Container) {
	if m := c.MaxHeartbeatTimeout; m > 0 && m < warnMinutes {
		s.log.Warn("short heartbeat timeout, an update of the service may look like an outage", "container", c.ID, "minutes", m)
	}
}

func replyContainer(w http.ResponseWriter, c push.Container) {
	reply(w, http.StatusOK, push.Reply{Success: true, Data: c.Append(nil)})
}

// mergeContainer lays what the body says over c: absent fields stay. It returns what is wrong, or "".
func mergeContainer(c *push.Container, body []byte) string {
	fresh := push.Container{}
	c.Action.Buttons = slices.Clone(c.Action.Buttons) // decoding reuses a list's elements
	if err := errors.Join(json.Unmarshal(body, c), json.Unmarshal(body, &fresh)); err != nil {
		return "not a container object: " + plain(err)
	}
	if fresh.Action.Buttons != nil {
		c.Action.Buttons = fresh.Action.Buttons
	}
	c.ID = cmp.Or(c.ID, push.NewID())
	c.Name = cmp.Or(c.Name, c.RealName, c.ID)
	if c.Action.Type == "" {
		c.Action.Type = push.ActionPush
		if c.Action.URL != "" {
			c.Action.Type = push.ActionCallback
		}
	}
	if c.Action.Type != push.ActionPush && c.Action.Type != push.ActionCallback {
		return "action.type: want PUSH or CALLBACK"
	}
	return checkContainer(c)
}

// objectOf makes a JSON object of a body that may be a form of the object's plain fields, or empty.
func objectOf(body []byte) ([]byte, refusal) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' {
		return body, refusal{}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refusal{status: http.StatusBadRequest, message: "body not understood: want a container object in JSON or a form"}
	}
	fields := map[string]any{}
	for key, values := range form {
		fields[key] = values[0]
		if n, err := strconv.Atoi(values[0]); err == nil && (key == "type" || key == "maxHeartbeatTimeout") {
			fields[key] = n
		}
	}
	object, err := json.Marshal(fields)
	if err != nil {
		return nil, refusal{status: http.StatusBadRequest, message: "body not understood"}
	}
	return object, refusal{}
}
