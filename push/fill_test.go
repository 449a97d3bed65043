package push

import (
	"encoding/json"
	"testing"
)

// FuzzFill: members are read as encoding/json reads them into fields that keep their JSON.
func FuzzFill(f *testing.F) {
	for _, text := range []string{
		`{"success":true,"message":"a","data":{"x":1}}`, `{"SUCCESS":1,"success":2}`, `{"data":null}`, `{"data":1,"DaTa":[2 , 3]}`,
		`{"me\u0073\u017fage":"long s folds to s"}`, `[]`, `{"data":}`, ` {} `, `{"":0,"dat":1}`, `{"data":1} x`, "{\"data\xff\":1}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want struct{ Success, Message, Data json.RawMessage }
		err := json.Unmarshal([]byte(text), &want)
		if !object([]byte(text)) {
			return // never asked
		}
		var got looseReply
		if got2 := got.read([]byte(text)); (got2 == nil) != (err == nil) {
			t.Fatalf("%q: got %v, want %v", text, got2, err)
		}
		if string(got.Success) != string(want.Success) || string(got.Message) != string(want.Message) || string(got.Data) != string(want.Data) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	})
}

// TestReportIsAsBefore: the report is the JSON that its fields' tags say.
func TestReportIsAsBefore(t *testing.T) {
	full := Report{
		Targets: []TargetState{{Name: "a", Kind: "output", Load: "on", Active: true, Proof: "sent", Detail: `"quoted" ä`}, {}},
		Agent: AgentState{
			Version: "1", Started: "2", Cause: "3", Faults: []string{"f", "g"}, Instance: "i",
			Events: []Event{{At: "1", Trigger: "2", Call: "3", State: "4", Detail: "5"}, {}},
		},
	}
	for _, r := range []Report{full, {Targets: []TargetState{}, Agent: AgentState{Faults: []string{}}}} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.Append([]byte("x"))); got != "x"+string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got, want := string(Report{}.Append(nil)), `{"targets":[],"agent":{"version":"","started":"","cause":"","faults":[],"instance":""}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
