package device

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestAnswerIsAsItsTagsSay(t *testing.T) {
	for _, a := range []Answer{
		{Edges: []Edge{}},
		{
			State: Done, Proof: "sent", Target: "a", Verb: "cycle", Active: true, Load: "on", Edges: []Edge{{true, 0}, {false, -5}},
			TookMS: 1 << 60, Detail: `say "so" ä`, Reply: map[string]string{"z": "1", "a": "2", "m": ""},
		},
	} {
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(a.Append([]byte("x"))); got != "x"+string(want) {
			t.Errorf("got  %s\nwant x%s", got, want)
		}
	}
	var back Answer
	if err := json.Unmarshal(Answer{}.Append(nil), &back); err != nil || !reflect.DeepEqual(back, Answer{Edges: []Edge{}}) {
		t.Errorf("nothing reads as %+v %v: edges are never null", back, err)
	}
}
