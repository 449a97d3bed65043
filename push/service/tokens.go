package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"longarm/push/engine"
)

// Role is what a token may do: a viewer GET only, an operator calls too, an admin everything.
type Role string

// The roles, each covering those before it.
const (
	RoleViewer   Role = "viewer"
	RoleOperator Role = "operator"
	RoleAdmin    Role = "admin"
)

var ranks = map[Role]int{RoleViewer: 1, RoleOperator: 2, RoleAdmin: 3}

func (r Role) covers(need Role) bool { return ranks[r] >= ranks[need] }

// tokenDoc is the document auth.<id>. The token itself is not in it.
type tokenDoc struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Hash    string    `json:"hash"` // hex SHA-256
	Created time.Time `json:"created"`
	Deleted bool      `json:"deleted,omitempty"` // the last version before it is purged, for those who watch
}

// tokens is every token in memory.
type tokens struct {
	mu   sync.RWMutex
	byID map[string]tokenDoc
	hash map[string]string // to id
	revs map[string]uint64
}

func newTokens() *tokens {
	return &tokens{byID: map[string]tokenDoc{}, hash: map[string]string{}, revs: map[string]uint64{}}
}

// check returns what a token stands for.
func (t *tokens) check(secret string) (tokenDoc, bool) {
	if secret == "" {
		return tokenDoc{}, false
	}
	hash := hashKey(secret)
	t.mu.RLock()
	defer t.mu.RUnlock()
	doc, ok := t.byID[t.hash[hash]]
	return doc, ok && sameHash(doc.Hash, hash)
}

func (t *tokens) put(doc tokenDoc, rev uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rev <= t.revs[doc.ID] {
		return
	}
	t.revs[doc.ID] = rev
	if doc.Deleted {
		delete(t.byID, doc.ID)
		delete(t.hash, doc.Hash)
		return
	}
	t.byID[doc.ID] = doc
	t.hash[doc.Hash] = doc.ID
}

// find returns the token of that id or name.
func (t *tokens) find(idOrName string) (tokenDoc, uint64, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if doc, ok := t.byID[idOrName]; ok {
		return doc, t.revs[doc.ID], true
	}
	for _, doc := range t.byID {
		if fold(doc.Name) == fold(idOrName) {
			return doc, t.revs[doc.ID], true
		}
	}
	return tokenDoc{}, 0, false
}

func (t *tokens) all() []tokenDoc {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []tokenDoc
	for _, doc := range t.byID {
		list = append(list, doc)
	}
	slices.SortFunc(list, func(a, b tokenDoc) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (t *tokens) admins() int {
	n := 0
	for _, doc := range t.all() {
		if doc.Role == RoleAdmin {
			n++
		}
	}
	return n
}

func (s *Service) loadTokens(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "auth.>")
	if err != nil {
		return fmt.Errorf("list tokens: %w", err)
	}
	for _, d := range docs {
		if err := s.tokenChanged(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) tokenChanged(_ context.Context, d engine.Doc) error {
	var doc tokenDoc
	if err := json.Unmarshal(d.Data, &doc); err != nil {
		return fmt.Errorf("decode %s: %w", d.Subject, err)
	}
	s.tokens.put(doc, d.Revision)
	return nil
}

func (s *Service) writeToken(ctx context.Context, doc tokenDoc, rev uint64) (uint64, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return 0, fmt.Errorf("encode token %s: %w", doc.ID, err)
	}
	rev, err = s.engine.Append(ctx, authSubject(doc.ID), data, rev)
	if err == nil {
		s.tokens.put(doc, rev)
	}
	return rev, err
}

// bootstrapID is fixed, so that two replicas that start at once make one first token.
const bootstrapID = "bootstrap"

// BootstrapToken makes the admin's token of the first start and returns it, once: only its hash is kept. When there is
// an admin's token already, created is false and the token empty.
func (s *Service) BootstrapToken(ctx context.Context) (token string, created bool, err error) {
	if s.tokens.admins() > 0 {
		return "", false, nil
	}
	secret := newSecret("lt_")
	doc := tokenDoc{ID: bootstrapID, Name: "admin", Role: RoleAdmin, Hash: hashKey(secret), Created: time.Now().UTC()}
	_, err = s.writeToken(ctx, doc, 0)
	if errors.Is(err, engine.ErrConflict) {
		return "", false, s.loadTokens(ctx)
	}
	if err != nil {
		return "", false, fmt.Errorf("make the first token: %w", err)
	}
	return secret, true, nil
}
