package journal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var (
	routerCycle = Begun{Target: "router", Verb: "cycle", Kind: "cycle", BootID: "b", Deadline: 5}
	pumpLease   = Begun{Target: "pump", Verb: "on", Kind: "lease", BootID: "b"}
)

// TestSeveralTargets: one call may start several targets, each once, and only
// in the process that started the first.
func TestSeveralTargets(t *testing.T) {
	dir := t.TempDir()
	call := Received{ID: "c1", Container: "box", Data: "rack cycle"}
	j := mustOpen(t, dir, Options{})
	if _, _, err := j.Received(call); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		begun Begun
		want  error
	}{{routerCycle, nil}, {pumpLease, nil}, {routerCycle, ErrOrder}, {Begun{Target: "pump", Kind: "pulse"}, ErrOrder}} {
		if err := j.Started("C1", step.begun); !errors.Is(err, step.want) {
			t.Errorf("start %+v: got %v, want %v", step.begun, err, step.want)
		}
	}
	want := Entry{Received: call, State: StateStarted, Begun: []Begun{routerCycle, pumpLease}}
	for _, how := range []string{"as appended", "as compacted"} {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = mustOpen(t, dir, Options{})
		if got := j.Interrupted(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got %+v, want %+v", how, got, want)
		}
		if err := j.Started("c1", Begun{Target: "siren"}); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: a target more after a restart: got %v, want ErrOrder", how, err)
		}
		j.mu.Lock()
		j.compact()
		j.mu.Unlock()
	}
	if err := errors.Join(j.Finished("c1", []byte("{}")), j.Degraded(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if err := j.Started("c1", pumpLease); !errors.Is(err, ErrClosed) {
		t.Errorf("after the close: got %v", err)
	}
	j = mustOpen(t, dir, Options{})
	defer j.Close()
	if e, _ := j.Lookup("c1"); e.State != StateFinished || e.Begun != nil {
		t.Errorf("got %+v, want finished, with nothing to settle", e)
	}
}

// TestOldFile: a file of the first version, with one target an entry, is read
// as it was written.
func TestOldFile(t *testing.T) {
	b := appendPayload(nil, `{"k":"journal","v":1,"n":1}`)
	b = appendPayload(b, `{"k":"entry","n":2,"id":"c1","c":"box","h":"00112233445566778899aabbccddeeff","d":"router cycle","s":2,"b":{"target":"router","verb":"cycle","kind":"cycle","boot":"b","deadline":5}}`)
	b = appendPayload(b, `{"k":"received","n":3,"id":"c2","c":"box","h":"00112233445566778899aabbccddeeff","d":"pump on"}`)
	b = appendPayload(b, `{"k":"started","n":4,"id":"c2","c":"box","h":"00112233445566778899aabbccddeeff","b":{"target":"pump","verb":"on","kind":"lease","boot":"b"}}`)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journal"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, dir, Options{})
	defer j.Close()
	got := j.Interrupted()
	if len(got) != 2 || !reflect.DeepEqual(got[0].Begun, []Begun{routerCycle}) || !reflect.DeepEqual(got[1].Begun, []Begun{pumpLease}) {
		t.Errorf("got %+v", got)
	}
	if err := j.Degraded(); err != nil {
		t.Error(err)
	}
}
