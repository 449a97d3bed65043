package journal

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

var someRecords = []record{
	{},
	{Kind: kindJournal, Version: 1},
	{Kind: kindOpened, Value: "longarm-agent run, pid 1"},
	{Kind: kindReceived, Seq: 1<<64 - 1, ID: "A", Container: "c", Data: "router \"on\" <&> \u2028 ä \xff", Sum: digest{1, 2, 15: 255}},
	{Kind: kindEntry, Whole: true, State: StateStarted, Reported: true, Result: `{"success":true}`, Begun: &Begun{}, More: []Begun{{Target: "t"}, {}}},
	{Kind: kindStarted, Begun: &Begun{Target: "router", Verb: "cycle", Kind: "cycle", BootID: "b", Deadline: -time.Second}},
	{Kind: kindLease, Target: "pump", Key: "k", Value: "v"},
}

// TestRecordIsAsItsTagsSay: what we write encoding/json reads, and the other way round.
func TestRecordIsAsItsTagsSay(t *testing.T) {
	for _, r := range someRecords {
		var back record
		ours := r.text()
		if err := json.Unmarshal(ours, &back); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
		theirs, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var want, got record
		if err := json.Unmarshal(theirs, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Errorf("%s reads as %+v, want %+v", ours, back, want)
		}
		if err := got.read(theirs); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v %v, want %+v", theirs, got, err, want)
		}
	}
}

// TestNoRecord: a wrong type is damage, as it was with encoding/json.
func TestNoRecord(t *testing.T) {
	for _, text := range []string{`[]`, `{"k":1}`, `{"v":"1"}`, `{"v":1.5}`, `{"n":-1}`, `{"whole":1}`, `{"h":"12"}`, `{"h":1}`, `{"b":1}`, `{"more":{}}`, `{"more":[1]}`, `{"b":{"deadline":"1s"}}`, `{"s":1e3}`} {
		var r, want record
		if err := json.Unmarshal([]byte(text), &want); err == nil {
			t.Fatalf("%s is one for encoding/json", text)
		}
		if err := r.read([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", text, r)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, r := range someRecords {
		f.Add(r.text())
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r, again record
		if r.read(payload) != nil {
			return
		}
		written := r.text()
		if err := again.read(written); err != nil || string(again.text()) != string(written) {
			t.Errorf("%q is written as %q and read as %+v %v", payload, written, again, err)
		}
	})
}
