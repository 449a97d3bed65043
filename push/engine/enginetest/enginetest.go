// Package enginetest holds one suite of tests that every storage engine of the push service must pass. It takes a way to
// make an engine and checks what the service's Engine promises; it never asks for more than a JetStream stream can give.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longarm/push/engine"
)

// Engine is push/service's Engine, whose comments say what each method promises. It is written out again because an engine
// never imports the service.
type Engine interface {
	Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error)
	Last(ctx context.Context, subject string) (engine.Doc, error)
	List(ctx context.Context, filter string) ([]engine.Doc, error)
	Purge(ctx context.Context, subject string, expected uint64) error
	Watch(ctx context.Context, filter string) (<-chan engine.Doc, error)
	Publish(ctx context.Context, subject string, data []byte) error
	Subscribe(ctx context.Context, filter string) (<-chan engine.Doc, error)
	Lease(ctx context.Context, key, holder string, ttl time.Duration) (bool, error)
}

// Run runs the suite; open makes an empty engine for each test and closes it in t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Engine) {
	tests := map[string]func(t *testing.T, e Engine){
		"append and last":    appendAndLast,
		"conflict":           conflict,
		"one winner":         oneWinner,
		"list":               list,
		"purge":              purge,
		"data is its own":    dataIsItsOwn,
		"watch":              watch,
		"watch never blocks": watchNeverBlocks,
		"bus":                bus,
		"lease":              lease,
		"bad subject":        badSubject,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, e Engine, subject, data string, expected uint64) uint64 {
	t.Helper()
	rev, err := e.Append(t.Context(), subject, []byte(data), expected)
	if err != nil {
		t.Fatalf("append %s: %v", subject, err)
	}
	return rev
}

func appendAndLast(t *testing.T, e Engine) {
	if _, err := e.Last(t.Context(), "call.a.1"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("last of nothing: got %v, want ErrNotFound", err)
	}
	r1 := put(t, e, "call.a.1", "one", 0)
	r2 := put(t, e, "call.b.1", "other", 0)
	r3 := put(t, e, "call.a.1", "two", r1)
	if !(0 < r1 && r1 < r2 && r2 < r3) {
		t.Errorf("revisions %d, %d, %d: want one rising sequence", r1, r2, r3)
	}
	d, err := e.Last(t.Context(), "call.a.1")
	if err != nil || d.Subject != "call.a.1" || d.Revision != r3 || string(d.Data) != "two" {
		t.Errorf("last: got %s %d %q %v, want revision %d, two", d.Subject, d.Revision, d.Data, err, r3)
	}
}

func conflict(t *testing.T, e Engine) {
	r1 := put(t, e, "state.a", "one", 0)
	r2 := put(t, e, "state.a", "two", r1)
	for _, expected := range []uint64{0, r1, r2 + 1} {
		if _, err := e.Append(t.Context(), "state.a", []byte("x"), expected); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("append at %d: got %v, want ErrConflict", expected, err)
		}
	}
	if _, err := e.Append(t.Context(), "state.b", []byte("x"), r2); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("append at a revision of another subject: got %v, want ErrConflict", err)
	}
	if d, err := e.Last(t.Context(), "state.a"); err != nil || string(d.Data) != "two" {
		t.Errorf("last: got %q %v, want two", d.Data, err)
	}
}

func oneWinner(t *testing.T, e Engine) {
	rev := put(t, e, "call.a.1", "0", 0)
	for round := range 50 {
		var won atomic.Int32
		var next atomic.Uint64
		var wg sync.WaitGroup
		for racer := range 8 {
			wg.Go(func() {
				r, err := e.Append(t.Context(), "call.a.1", fmt.Append(nil, round, racer), rev)
				if err == nil {
					won.Add(1)
					next.Store(r)
				} else if !errors.Is(err, engine.ErrConflict) {
					t.Errorf("append: %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d of 8 racers won, want 1", round, won.Load())
		}
		rev = next.Load()
	}
}

func list(t *testing.T, e Engine) {
	r := put(t, e, "call.a.1", "", 0)
	put(t, e, "call.a.2", "", 0)
	put(t, e, "call.aa.3", "", 0)
	put(t, e, "log.b.1", "", 0)
	put(t, e, "call.a.1", "again", r)
	tests := map[string][]string{
		"call.a.>": {"call.a.2", "call.a.1"},
		"call.>":   {"call.a.2", "call.aa.3", "call.a.1"},
		"*.*.1":    {"log.b.1", "call.a.1"},
		"call.a":   nil,
		"call.a.2": {"call.a.2"},
		"call.*":   nil,
	}
	for filter, want := range tests {
		docs, err := e.List(t.Context(), filter)
		var got []string
		for _, d := range docs {
			got = append(got, d.Subject)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("list %s: got %v %v, want %v", filter, got, err, want)
		}
	}
}

func purge(t *testing.T, e Engine) {
	if err := e.Purge(t.Context(), "call.a.1", 7); err != nil {
		t.Errorf("purge of nothing: %v", err)
	}
	r1 := put(t, e, "call.a.1", "one", 0)
	if err := e.Purge(t.Context(), "call.a.1", r1+1); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("purge at another revision: got %v, want ErrConflict", err)
	}
	if err := e.Purge(t.Context(), "call.a.1", r1); err != nil {
		t.Errorf("purge: %v", err)
	}
	if _, err := e.Last(t.Context(), "call.a.1"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("last after a purge: got %v, want ErrNotFound", err)
	}
	if docs, err := e.List(t.Context(), "call.>"); err != nil || len(docs) != 0 {
		t.Errorf("list after a purge: got %d documents, %v", len(docs), err)
	}
	if _, err := e.Append(t.Context(), "call.a.1", nil, r1); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("append at the purged revision: got %v, want ErrConflict", err)
	}
	if r2 := put(t, e, "call.a.1", "anew", 0); r2 <= r1 {
		t.Errorf("revision after a purge: got %d, want more than %d", r2, r1)
	}
}

func dataIsItsOwn(t *testing.T, e Engine) {
	data := []byte("mine")
	if _, err := e.Append(t.Context(), "auth.a", data, 0); err != nil {
		t.Fatal(err)
	}
	copy(data, "lost")
	if d, err := e.Last(t.Context(), "auth.a"); err != nil || string(d.Data) != "mine" {
		t.Errorf("last: got %q %v, want mine", d.Data, err)
	}
}

func watch(t *testing.T, e Engine) {
	r1 := put(t, e, "call.a.1", "before", 0)
	all, err := e.Watch(t.Context(), "call.>")
	if err != nil {
		t.Fatal(err)
	}
	one, err := e.Watch(t.Context(), "call.b.>")
	if err != nil {
		t.Fatal(err)
	}
	r2 := put(t, e, "call.a.1", "after", r1)
	put(t, e, "state.a", "", 0)
	r3 := put(t, e, "call.b.1", "", 0)
	if d := receive(t, all); d.Subject != "call.a.1" || d.Revision != r2 || string(d.Data) != "after" {
		t.Errorf("first wake: got %s %d %q, want call.a.1 %d after", d.Subject, d.Revision, d.Data, r2)
	}
	for name, c := range map[string]<-chan engine.Doc{"all": all, "one": one} {
		if d := receive(t, c); d.Subject != "call.b.1" || d.Revision != r3 {
			t.Errorf("%s: got %s %d, want call.b.1 %d", name, d.Subject, d.Revision, r3)
		}
	}
}

func watchNeverBlocks(t *testing.T, e Engine) {
	c, err := e.Watch(t.Context(), "state.>")
	if err != nil {
		t.Fatal(err)
	}
	rev, reads := uint64(0), 0
	for range 3000 { // more than anyone buffers without being asked
		rev = put(t, e, "state.a", "", rev)
	}
	for len(c) > 0 {
		<-c
		reads++
	}
	rev = put(t, e, "state.a", "", rev)
	for {
		d := receive(t, c)
		if d.Revision == rev {
			return // the mark comes before it, if anything was lost; a loss may also be silent
		}
	}
}

func bus(t *testing.T, e Engine) {
	c, err := e.Subscribe(t.Context(), "beat.>")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := e.Watch(t.Context(), "beat.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Publish(t.Context(), "beat.a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if d := receive(t, c); d.Subject != "beat.a" || string(d.Data) != "x" {
		t.Errorf("message: got %s %q, want beat.a x", d.Subject, d.Data)
	}
	if docs, err := e.List(t.Context(), "beat.>"); err != nil || len(docs) != 0 || len(stored) != 0 {
		t.Errorf("a message was stored: %d documents, %d watched, %v", len(docs), len(stored), err)
	}
}

func lease(t *testing.T, e Engine) {
	take := func(holder string, ttl time.Duration) bool {
		ok, err := e.Lease(t.Context(), "presence", holder, ttl)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !take("a", time.Hour) {
		t.Error("a free key was not given")
	}
	if !take("a", time.Hour) {
		t.Error("a held key was not renewed")
	}
	if take("b", time.Hour) {
		t.Error("a held key was given to another")
	}
	take("b", 0)
	if take("b", time.Hour) {
		t.Error("another gave the key back")
	}
	take("a", 0)
	if !take("b", time.Hour) {
		t.Error("a key that was given back is not free")
	}
}

func badSubject(t *testing.T, e Engine) {
	for _, subject := range []string{"", "a..b", ".a", "a.", "a.*", "a.>", "a b"} {
		if _, err := e.Append(t.Context(), subject, nil, 0); err == nil || errors.Is(err, engine.ErrConflict) {
			t.Errorf("append %q: got %v, want a refusal", subject, err)
		}
	}
}

func receive(t *testing.T, c <-chan engine.Doc) engine.Doc {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	select {
	case d, ok := <-c:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return d
	case <-limit.C:
		t.Fatal("nothing came")
	}
	return engine.Doc{}
}
