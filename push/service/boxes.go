package service

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// boxes is the registry of all containers in memory, by id, by name and by key.
type boxes struct {
	mu     sync.RWMutex
	byID   map[string]*box // token of the id
	byName map[string]*box // folded
	keys   map[string]int  // hash of a key: how many containers have it
}

func newBoxes() *boxes {
	return &boxes{byID: map[string]*box{}, byName: map[string]*box{}, keys: map[string]int{}}
}

func fold(name string) string { return strings.ToLower(name) }

// hashKey is how keys and tokens are stored: both are random and long, so a plain hash is enough.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// find returns the container of that id, or nil.
func (r *boxes) find(id string) *box {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[token(id)]
}

// at is find for an id that is a token already.
func (r *boxes) at(token string) *box {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[token]
}

// named returns the container of that id or, failing that, of that name, or nil.
func (r *boxes) named(idOrName string) *box {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if b := r.byID[token(idOrName)]; b != nil {
		return b
	}
	return r.byName[fold(idOrName)]
}

func (r *boxes) knowsKey(hash string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[hash] > 0
}

// put takes over a version of a registration and reports whether it is news.
func (r *boxes) put(reg registration, rev uint64) (*box, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := token(reg.Object.ID)
	b := r.byID[id]
	if b == nil {
		b = &box{id: reg.Object.ID, base: time.Now(), standing: standing{State: stateNew}}
		r.byID[id] = b
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if rev <= b.regRev {
		return b, false
	}
	if b.regRev != 0 {
		if r.keys[b.reg.KeyHash]--; r.keys[b.reg.KeyHash] == 0 {
			delete(r.keys, b.reg.KeyHash)
		}
		if old := fold(b.reg.Object.Name); r.byName[old] == b {
			delete(r.byName, old)
		}
	}
	r.keys[reg.KeyHash]++
	r.byName[fold(reg.Object.Name)] = b
	b.reg, b.regRev = reg, rev
	return b, true
}

// all returns every container, in no order.
func (r *boxes) all() []*box {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*box, 0, len(r.byID))
	for _, b := range r.byID {
		all = append(all, b)
	}
	return all
}
