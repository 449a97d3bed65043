package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"longarm/push"
)

// operatorRoutes is the API of people and their tools (design.md 6).
func (s *Service) operatorRoutes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, need Role, serve http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r, ok := s.admitOperator(w, r, need); ok {
				defer s.keep(w)()
				serve(w, r)
			}
		})
	}
	handle("POST /api/v1/containers", RoleAdmin, s.createContainer)
	handle("GET /api/v1/containers", RoleViewer, s.listContainers)
	handle("GET /api/v1/containers/{id}", RoleViewer, s.showContainer)
	handle("PATCH /api/v1/containers/{id}", RoleAdmin, s.changeContainer)
	handle("POST /api/v1/containers/{id}/instance", RoleOperator, s.pickInstance)
	handle("POST /api/v1/containers/{id}/calls", RoleOperator, s.createCall)
	handle("GET /api/v1/calls/{messageId}", RoleViewer, s.showCall)
	handle("DELETE /api/v1/calls/{messageId}", RoleOperator, s.cancelCall)
	handle("GET /api/v1/events", RoleViewer, s.serveEvents)
	handle("POST /api/v1/tokens", RoleAdmin, s.createToken)
	handle("GET /api/v1/tokens", RoleAdmin, s.listTokens)
	handle("DELETE /api/v1/tokens/{id}", RoleAdmin, s.deleteToken)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, health{"ok"}) })
	mux.HandleFunc("GET /readyz", s.serveReady)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			wrongRoute(w, r, mux)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// wrongRoute answers what the mux would answer in plain text.
func wrongRoute(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			allow = append(allow, method)
		}
	}
	if allow == nil {
		fail(w, http.StatusNotFound, "no such path")
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	fail(w, http.StatusMethodNotAllowed, "wrong method: want "+strings.Join(allow, " or "))
}

type health struct {
	Status string `json:"status"`
}

func (s *Service) serveReady(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.polls.draining:
		answer(w, http.StatusServiceUnavailable, health{"draining"})
		return
	default:
	}
	if !s.ready.Load() {
		answer(w, http.StatusServiceUnavailable, health{"starting"})
		return
	}
	answer(w, http.StatusOK, health{"ready"})
}

// tokenKey is where a request's context holds the token that it was admitted with.
type tokenKey struct{}

// admitOperator checks the bearer token and its role.
func (s *Service) admitOperator(w http.ResponseWriter, r *http.Request, need Role) (*http.Request, bool) {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t, ok := s.tokens.check(strings.TrimSpace(bearer))
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		s.counts.refused(http.StatusUnauthorized)
		w.Header().Set("WWW-Authenticate", `Bearer realm="longarm"`)
		fail(w, http.StatusUnauthorized, "no or wrong token: want Authorization: Bearer TOKEN")
		return nil, false
	}
	if !t.Role.covers(need) {
		s.counts.refused(http.StatusForbidden)
		fail(w, http.StatusForbidden, fmt.Sprintf("role %s may not do this: want %s", t.Role, need))
		return nil, false
	}
	return r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)), true
}

// by is the name of the token that the request was admitted with.
func by(r *http.Request) string { return tokenOf(r).Name }

func tokenOf(r *http.Request) tokenDoc {
	t, _ := r.Context().Value(tokenKey{}).(tokenDoc) // admitOperator put it there
	return t
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"answer not encoded"}`)
	}
	writeBody(w, status, append(body, '\n'))
}

type failure struct {
	Error string `json:"error"`
}

// fail answers with a sentence that says what was wrong and what would be right.
func fail(w http.ResponseWriter, status int, sentence string) {
	answer(w, status, failure{sentence})
}

func (s *Service) failEngine(ctx context.Context, w http.ResponseWriter, what string, err error) {
	s.trouble(ctx, what, err)
	w.Header().Set("Retry-After", "5")
	fail(w, http.StatusServiceUnavailable, "the service cannot reach its storage: try again")
}

// readJSON decodes the body into v, strictly; when it cannot it has answered.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	body, f := readBody(w, r)
	if f.status != 0 {
		fail(w, f.status, f.message)
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("want one JSON object and nothing after it")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "body not understood: "+plain(err))
	}
	return err == nil
}

// plain turns a decoder's error into a sentence for people.
func plain(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s: want %s, got %s", e.Field, kindName(e), e.Value)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "want a JSON object, got less"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func kindName(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "int", "int64", "uint64":
		return "an integer"
	case "slice":
		return "a list"
	case "struct", "map":
		return "an object"
	default:
		return "a " + kind
	}
}

// containerOf finds the container that the path names by id or name; when there is none it has answered.
func (s *Service) containerOf(w http.ResponseWriter, r *http.Request) *box {
	b := s.boxes.named(r.PathValue("id"))
	if b == nil {
		fail(w, http.StatusNotFound, "no container of that id or name")
	}
	return b
}

// buttonAsk is a button as an operator gives it.
type buttonAsk struct {
	Text   string `json:"text"`
	Data   string `json:"data"`
	ItemID string `json:"itemId"`
}

func (b buttonAsk) button() push.Button { return push.Button(b) }
