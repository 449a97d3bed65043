package journal

import (
	"bytes"
	"testing"
)

func FuzzOpen(f *testing.F) {
	var b []byte
	for _, r := range []record{
		{Kind: kindJournal, Version: version, Seq: 1},
		{Kind: kindReceived, Seq: 2, ID: "c1", Container: "box", Data: "router on"},
		{Kind: kindStarted, Seq: 3, ID: "c1", Begun: &Begun{Target: "router", Kind: "lease"}},
		{Kind: kindReported, Seq: 4, ID: "c2"},
		{Kind: kindFinished, Seq: 5, ID: "c2", Result: "{}"},
		{Kind: kindEntry, Seq: 6, ID: "c4", State: StateStarted, Begun: &Begun{Target: "a"}, More: []Begun{{Target: "a"}, {Target: "b", Kind: "lease"}}},
		{Kind: kindEntry, Seq: 6, ID: "c3", State: 99, Reported: true, Result: "{}"},
		{Kind: "else", Seq: 1 << 63},
	} {
		b, _ = appendRecord(b, r)
		f.Add(bytes.Clone(b))
		f.Add(b[:len(b)-1])
	}
	f.Add([]byte("\n\n00000000 00000000 \n"))
	f.Add([]byte("ffffffff ffffffff {}\n"))
	f.Add(make([]byte, 4096))
	f.Add(appendPayload(nil, `{"k":"journal","v":-1}`))
	f.Add(appendPayload(nil, `{"k":"journal","v":2}`))
	f.Add(appendPayload(b, `{"k":"received","id":"c4","h":"00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, j := openBytes(t, b)
		s := newScript(t, j)
		if _, known := j.Lookup("fuzz-1"); known {
			t.Skip("the input holds the very id that this test uses")
		}
		p := s.received("fuzz-1")
		s.started(p, "cycle")
		s.finished(p)
		s.set("fuzz", "1")
		before := len(j.Unreported())
		_, next := reopen(t, d)
		if e, _ := next.Lookup("fuzz-1"); e.State != StateFinished || string(e.Result) != p.result {
			t.Errorf("got %+v", e)
		}
		if got, _ := next.Get("fuzz"); got != "1" {
			t.Errorf("fact is %q", got)
		}
		if got := len(next.Unreported()); got != before {
			t.Errorf("%d unreported, want %d", got, before)
		}
	})
}

// appendPayload frames any payload.
func appendPayload(dst []byte, payload string) []byte {
	return append(append(dst, head([]byte(payload))+payload...), '\n')
}
