package service

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"longarm/push"
)

// Handler serves the device routes /push/… and /1/push/…, /1/container, the operator API under /api/v1, /healthz,
// /readyz and /metrics. Wire it into a server whose write deadline is longer than the hold.
func (s *Service) Handler() http.Handler {
	operators := s.operatorRoutes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(push.HeaderService, "1")
		w.Header().Set("Connection", "close") // a stranger's connection is not kept; see keep
		switch first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
		case "api", "healthz", "readyz", "metrics":
			operators.ServeHTTP(w, r)
		default:
			s.serveDevice(w, r)
		}
	})
}

// keep lets the connection of somebody who has shown a key go on, and counts their request until done is called. Devices
// keep theirs idle for long, so the server's idle timeout is long, too.
func (s *Service) keep(w http.ResponseWriter) (done func()) {
	w.Header().Del("Connection")
	s.serving.Add(1)
	return func() { s.serving.Add(-1) }
}

// request is a device's request whose route, body and container are known.
type request struct {
	*http.Request
	body []byte
	box  *box
	id   string // of the message, or of the container that is called
}

// instance is which of our agents asks; "" for a foreign client.
func (r *request) instance() string { return r.Header.Get(push.HeaderInstance) }

// route is one row of the table in protocol.md 1.
type route struct {
	methods []string
	serve   func(s *Service, w http.ResponseWriter, r *request)
	named   bool // its path ends with an id
}

const noSuchPath = "no such path: want /push/{containerId}, …/ack/{messageId}, …/result/{messageId}, …/call/{targetId}, …/signoff or …/state"

var (
	pollRoute = route{[]string{http.MethodGet, http.MethodPost}, (*Service).servePoll, false}
	routes    = map[string]route{
		"ack":     {[]string{http.MethodPost, http.MethodGet}, (*Service).serveAck, true},
		"result":  {[]string{http.MethodPost, http.MethodPut}, (*Service).serveResult, true},
		"call":    {[]string{http.MethodPost}, (*Service).serveCall, true},
		"signoff": {[]string{http.MethodGet, http.MethodPost}, (*Service).serveSignOff, false},
		"state":   {[]string{http.MethodPost}, (*Service).serveState, false},
	}
)

// serveDevice finds the route by hand: what a device gets is always an envelope, also for a path or a method that is
// wrong, and ids may hold escaped slashes and dots.
func (s *Service) serveDevice(w http.ResponseWriter, r *http.Request) {
	parts, ok := splitPath(r.URL)
	if ok && parts[0] == "1" {
		parts = parts[1:]
		if len(parts) == 1 && parts[0] == "container" {
			s.serveContainer(w, r)
			return
		}
	}
	if !ok || len(parts) < 2 || parts[0] != "push" {
		s.refuse(w, r, refusal{status: http.StatusNotFound, message: noSuchPath}, false)
		return
	}
	row, messageID, ok := findRoute(parts[2:])
	poll := len(parts) == 2
	switch {
	case !ok:
		s.refuse(w, r, refusal{status: http.StatusNotFound, message: noSuchPath}, false)
		return
	case !slices.Contains(row.methods, r.Method):
		allow := strings.Join(row.methods, ", ")
		s.refuse(w, r, refusal{status: http.StatusMethodNotAllowed, message: "wrong method: want " + allow, allow: allow}, poll)
		return
	}
	body, f := readBody(w, r)
	var b *box
	if f.status == 0 {
		b, f = s.admit(r, parts[1], body)
	}
	if f.status != 0 {
		s.refuse(w, r, f, poll)
		return
	}
	defer s.keep(w)()
	row.serve(s, w, &request{Request: r, body: body, box: b, id: messageID})
}

func findRoute(rest []string) (row route, id string, ok bool) {
	switch len(rest) {
	case 0:
		return pollRoute, "", true
	case 1:
		row, ok = routes[rest[0]]
		return row, "", ok && !row.named
	case 2:
		row, ok = routes[rest[0]]
		return row, rest[1], ok && row.named && rest[1] != ""
	}
	return row, "", false
}

// splitPath cuts the path at its slashes before it unescapes the parts.
func splitPath(u *url.URL) ([]string, bool) {
	parts := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, false
		}
		parts[i] = plain
	}
	return parts, true
}
