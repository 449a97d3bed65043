package service

import (
	"net/http"
	"time"

	"longarm/push"
)

// tokenJSON is a token as the operator API shows it.
type tokenJSON struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Role    Role   `json:"role"`
	Created stamp  `json:"created"`
	Token   string `json:"token,omitempty"` // once, when it is made
}

func (s *Service) createToken(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Name string `json:"name"`
		Role Role   `json:"role"`
	}
	if !readJSON(w, r, &ask) {
		return
	}
	if ask.Name == "" || clean(ask.Name, maxName) != ask.Name {
		fail(w, http.StatusBadRequest, "name: want 1 to 128 bytes of text without control characters")
		return
	}
	if ranks[ask.Role] == 0 {
		fail(w, http.StatusBadRequest, "role: want viewer, operator or admin")
		return
	}
	if _, _, taken := s.tokens.find(ask.Name); taken {
		fail(w, http.StatusConflict, "this name is taken by another token: want another")
		return
	}
	secret := newSecret("lt_")
	doc := tokenDoc{ID: push.NewID(), Name: ask.Name, Role: ask.Role, Hash: hashKey(secret), Created: time.Now().UTC()}
	ctx, cancel := work(r.Context())
	defer cancel()
	if _, err := s.writeToken(ctx, doc, 0); err != nil {
		s.failEngine(ctx, w, "write a token", err)
		return
	}
	s.log.Info("token made", "name", doc.Name, "role", doc.Role, "by", by(r))
	answer(w, http.StatusCreated, tokenJSON{doc.ID, doc.Name, doc.Role, stamp{doc.Created}, secret})
}

func (s *Service) listTokens(w http.ResponseWriter, _ *http.Request) {
	list := []tokenJSON{}
	for _, doc := range s.tokens.all() {
		list = append(list, tokenJSON{doc.ID, doc.Name, doc.Role, stamp{doc.Created}, ""})
	}
	answer(w, http.StatusOK, list)
}

func (s *Service) deleteToken(w http.ResponseWriter, r *http.Request) {
	doc, rev, ok := s.tokens.find(r.PathValue("id"))
	if !ok {
		fail(w, http.StatusNotFound, "no token of that id or name")
		return
	}
	if doc.Role == RoleAdmin && s.tokens.admins() == 1 {
		fail(w, http.StatusConflict, "this is the last admin's token: make another first")
		return
	}
	ctx, cancel := work(r.Context())
	defer cancel()
	doc.Deleted = true
	rev, err := s.writeToken(ctx, doc, rev)
	if err == nil {
		err = s.engine.Purge(ctx, authSubject(doc.ID), rev)
	}
	if err != nil {
		s.failEngine(ctx, w, "delete a token", err)
		return
	}
	s.log.Info("token deleted", "name", doc.Name, "by", by(r))
	w.WriteHeader(http.StatusNoContent)
}
