package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestCallThroughItsStates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	j := mustOpen(t, dir, Options{})
	call := Received{ID: "c1-Ä", Container: "box", Data: "router cycle 10s"}
	first := Begun{Target: "router", Verb: "cycle", Kind: "cycle", BootID: "b", Deadline: 5}
	begun := []Begun{first}
	if prior, dup, err := j.Received(call); dup || err != nil || prior.State != 0 {
		t.Fatalf("received: %+v, %v, %v", prior, dup, err)
	}
	for _, step := range []struct {
		name string
		do   func() error
		want error
		then Entry
	}{
		{"finish the unknown", func() error { return j.Finished("c2", nil) }, ErrUnknown, Entry{Received: call, State: StateReceived}},
		{"report too early", func() error { return j.Reported("c1-Ä") }, ErrOrder, Entry{Received: call, State: StateReceived}},
		{"start", func() error { return j.Started("C1-ä", first) }, nil, Entry{Received: call, State: StateStarted, Begun: begun}},
		{"start twice", func() error { return j.Started("c1-Ä", first) }, ErrOrder, Entry{Received: call, State: StateStarted, Begun: begun}},
		{"start another target after a restart", func() error { return j.Started("c1-Ä", Begun{Target: "pump"}) }, ErrOrder, Entry{Received: call, State: StateStarted, Begun: begun}},
		{"finish", func() error { return j.Finished("c1-Ä", []byte(`{"a": 1}`)) }, nil,
			Entry{Received: Received{ID: "c1-Ä", Container: "box"}, State: StateFinished, Result: []byte(`{"a": 1}`)}},
		{"finish again", func() error { return j.Finished("c1-Ä", []byte(`{"a": 1}`)) }, nil,
			Entry{Received: Received{ID: "c1-Ä", Container: "box"}, State: StateFinished, Result: []byte(`{"a": 1}`)}},
		{"finish otherwise", func() error { return j.Finished("c1-Ä", []byte(`{}`)) }, ErrOrder,
			Entry{Received: Received{ID: "c1-Ä", Container: "box"}, State: StateFinished, Result: []byte(`{"a": 1}`)}},
		{"start the finished", func() error { return j.Started("c1-Ä", first) }, ErrOrder,
			Entry{Received: Received{ID: "c1-Ä", Container: "box"}, State: StateFinished, Result: []byte(`{"a": 1}`)}},
		{"report", func() error { return j.Reported("c1-ä") }, nil,
			Entry{Received: Received{ID: "c1-Ä", Container: "box"}, State: StateFinished, Result: []byte(`{"a": 1}`), Reported: true}},
	} {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: got error %v, want %v", step.name, err, step.want)
		}
		for range 2 { // as it is, and after a restart
			if got, _ := j.Lookup("C1-Ä"); !reflect.DeepEqual(got, step.then) {
				t.Errorf("%s: got %+v, want %+v", step.name, got, step.then)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = mustOpen(t, dir, Options{})
		}
	}
}

func TestDuplicates(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{})
	first := Received{ID: "7602C7E0", Container: "Box", Data: "router on"}
	if _, _, err := j.Received(first); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", idLimit+1)
	for _, tt := range []struct {
		name string
		r    Received
		dup  bool
		want error
	}{
		{"the same", first, true, nil},
		{"other case", Received{"7602c7e0", "bOX", "router on"}, true, nil},
		{"other data", Received{"7602c7e0", "Box", "router ON"}, false, ErrReused},
		{"other container", Received{"7602c7e0", "box2", "router on"}, false, ErrReused},
		{"moved border", Received{"7602c7e0", "Boxr", "outer on"}, false, ErrReused},
		{"other id", Received{"7602c7e1", "Box", "router on"}, false, nil},
	} {
		prior, dup, err := j.Received(tt.r)
		if dup != tt.dup || !errors.Is(err, tt.want) || dup && !reflect.DeepEqual(prior, Entry{Received: first, State: StateReceived}) {
			t.Errorf("%s: got %+v, %v, %v", tt.name, prior, dup, err)
		}
	}
	for name, r := range map[string]Received{"no id": {}, "long id": {ID: long}, "long container": {ID: "c9", Container: long}, "long data": {ID: "c9", Data: strings.Repeat("x", recordLimit)}} {
		if _, dup, err := j.Received(r); err == nil || dup {
			t.Errorf("%s: got %v, %v, want an error", name, dup, err)
		}
	}
	if _, ok := j.Lookup("c9"); ok {
		t.Error("a refused id is known")
	}
}

func TestAfterRestart(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	s := newScript(t, j)
	s.received("a")
	b := s.received("b")
	s.started(b, "pulse")
	for _, id := range []string{"c", "d", "e"} {
		s.finished(s.received(id))
	}
	s.reported(s.calls["d"])
	s.lease(s.received("f"))
	names := func(list []Entry) (out []string) {
		for _, e := range list {
			out = append(out, fmt.Sprint(e.ID, " ", e.State))
		}
		return out
	}
	if got := j.Interrupted(); len(got) != 0 {
		t.Errorf("interrupted in the same run: %v", names(got))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir, Options{})
	defer j.Close()
	if got, want := names(j.Interrupted()), []string{"a received", "b started"}; !reflect.DeepEqual(got, want) {
		t.Errorf("interrupted %v, want %v", got, want)
	}
	if got, want := names(j.Unreported()), []string{"c finished", "e finished", "f finished"}; !reflect.DeepEqual(got, want) {
		t.Errorf("unreported %v, want %v", got, want)
	}
	if got, want := j.Leases(), map[string]string{"t-f": "f"}; !reflect.DeepEqual(got, want) {
		t.Errorf("leases %v, want %v", got, want)
	}
	if err := j.Finished("b", []byte("{}")); err != nil {
		t.Error(err)
	}
	if len(j.Interrupted()) != 2 {
		t.Error("interrupted changed")
	}
}

func TestClosed(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{})
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Error(err)
	}
	_, _, err := j.Received(Received{ID: "x"})
	for name, err := range map[string]error{
		"received": err, "started": j.Started("x", Begun{}), "finished": j.Finished("x", nil), "reported": j.Reported("x"),
		"set": j.Set("k", "v"), "lease": j.LeaseOpened("t", "x"), "unlease": j.LeaseClosed("t"),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
}

func TestFold(t *testing.T) {
	for _, a := range []string{"k", "K", "\u212a", "s", "ſ", "ä", "Ä", "i", "ß", "ẞ", "0", "[", "_", "Σ", "ς", "µ", "μ", "zz", ""} {
		for _, b := range []string{"k", "K", "S", "Ä", "I", "ß", "0", "[", "_", "ς", "μ", "ZZ", ""} {
			if got, want := fold(a) == fold(b), strings.EqualFold(a, b); got != want {
				t.Errorf("%q and %q are the same id: %v, want %v", a, b, got, want)
			}
		}
	}
}

// TestRealDirs are dirs that even root cannot use.
func TestRealDirs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lockIsDir := t.TempDir()
	if err := os.Mkdir(filepath.Join(lockIsDir, "lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	journalIsDir := t.TempDir()
	if err := os.Mkdir(filepath.Join(journalIsDir, "journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a file": file, "below a file": file + "/x", "/proc": "/proc/longarm", "lock": lockIsDir, "journal": journalIsDir} {
		run := filepath.Join(t.TempDir(), "run")
		for round := range 2 {
			j := mustOpen(t, dir, Options{Fallback: run, Owner: "first"})
			err := j.Degraded()
			if err == nil || !strings.Contains(err.Error(), "state dir "+dir+": ") || !strings.Contains(err.Error(), "goes on in "+run+"/") {
				t.Errorf("%s: degraded says %v", name, err)
			}
			_, dup, err := j.Received(Received{ID: "c1", Data: "router on"})
			if err != nil || dup != (round == 1) {
				t.Errorf("%s, round %d: dup %v, %v", name, round, dup, err)
			}
			if held, ok := errors.AsType[*HeldError](second(dir, run)); !ok || held.Owner != "first" && name != "lock" {
				t.Errorf("%s: a second one got %v, want HeldError of first", name, held)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func second(dir, run string) error {
	_, err := Open(dir, Options{Fallback: run})
	return err
}

func TestOtherFormat(t *testing.T) {
	dir := t.TempDir()
	b, err := appendRecord(nil, record{Kind: kindJournal, Version: version + 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, dir, Options{})
	defer j.Close()
	if err := j.Degraded(); err == nil || !strings.Contains(err.Error(), "format 2, want 1") {
		t.Errorf("degraded says %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "journal")); string(got) != string(b) {
		t.Errorf("the file was touched: %q", got)
	}
}

// TestNoStepBack: records that come late, as from an older file, never take an
// entry back.
func TestNoStepBack(t *testing.T) {
	kinds := []string{kindReceived, kindStarted, kindFinished, kindReported}
	want := []State{StateReceived, StateStarted, StateFinished, StateFinished}
	for i, first := range kinds {
		for k, then := range kinds {
			s := newState()
			s.apply(record{Kind: first, ID: "c1", Result: "{}"})
			s.apply(record{Kind: then, ID: "C1", Result: "other"})
			if e := s.entries[fold("c1")]; e.state != max(want[i], want[k]) || e.result != "{}" {
				t.Errorf("%s, then %s: got %v with %s", first, then, e.state, e.result)
			}
		}
	}
}
