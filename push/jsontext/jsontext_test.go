package jsontext

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

var texts = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `truee`, `0`, `-0`, `01`, `-`, `1.`, `1.5`, `.5`, `1e5`, `1E+05`, `1e`, `-1.5e-10`, `1 2`,
	`""`, `"a"`, `"`, `"\"`, `"\\"`, `"\\\""`, `"\u00e4"`, `"\u00E"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`,
	`"\/\b\f\n\r\t"`, `"\x"`, "\"\x01\"", "\"\x7f\"", "\"a\xffb\"", "\"\xed\xa0\x80\"", `'a'`,
	`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1,2]`, ` [ 1 , "a" , null , [ ] ] `, `[1 2]`, `[`, `[1`, `]`, `[}`,
	`{}`, `{ }`, `{"a":1}`, ` { "a" : 1 , "a" : 2 } `, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`, `{"a":1 "b":2}`, `{"":{"":[{}]}}`, `{`, `{"a":1`, `{]`,
	"{\"\\u0061\\n\":\"\u2028<>&\"}", "\xef\xbb\xbf{}", "{}\x00", "\u00a0{}",
}

// same holds everything that is read of a text against encoding/json.
func same(t *testing.T, text string) {
	t.Helper()
	in := []byte(text)
	if got, want := Valid(in), json.Valid(in); got != want {
		t.Errorf("%.80q: valid %v, want %v", text, got, want)
	}
	sameParts(t, in)
	var s string
	isString := strings.HasPrefix(text, `"`) && json.Unmarshal(in, &s) == nil
	if got, ok := String(in); ok != isString || got != s {
		t.Errorf("%.80q: string %q %v, want %q %v", text, got, ok, s, isString)
	}
	var want bytes.Buffer
	err := json.Compact(&want, in)
	if got, ok := AppendCompact([]byte("x"), in); ok != (err == nil) || ok && string(got) != "x"+want.String() || !ok && string(got) != "x" {
		t.Errorf("%.80q: compact %.80q %v, want %.80q %v", text, got, ok, want.String(), err)
	}
}

func sameParts(t *testing.T, in []byte) {
	t.Helper()
	var object map[string]json.RawMessage
	err := json.Unmarshal(in, &object)
	members, got := Members(in)
	if (err == nil && object != nil) != (got == nil) {
		t.Errorf("%.80q: members %v, want %v", in, got, err)
	}
	last := map[string]string{}
	for _, m := range members {
		last[m.Key] = string(m.Value)
	}
	if got == nil && len(last) != len(object) {
		t.Errorf("%.80q: %d members, want %d", in, len(last), len(object))
	}
	for k, v := range object {
		if got == nil && last[k] != string(v) {
			t.Errorf("%.80q: member %q is %q, want %q", in, k, last[k], v)
		}
	}
	var array []json.RawMessage
	err = json.Unmarshal(in, &array)
	elements, got := Elements(in)
	if (err == nil && array != nil) != (got == nil) {
		t.Errorf("%.80q: elements %v, want %v", in, got, err)
	}
	if got == nil && !slices.EqualFunc(elements, array, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		t.Errorf("%.80q: elements %q, want %q", in, elements, array)
	}
}

func TestAsEncodingJSON(t *testing.T) {
	for _, text := range texts {
		same(t, text)
	}
	for _, depth := range []int{10000, 10001} {
		same(t, strings.Repeat("[", depth)+strings.Repeat("]", depth))
	}
}

func FuzzAsEncodingJSON(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(same)
}

// FuzzString: what is written is read back, by us and by encoding/json.
func FuzzString(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.ToValidUTF8(s, "\ufffd")
		if strings.ToValidUTF8(s, "") != s { // each bad byte is one U+FFFD, not each run of them
			want = string([]rune(s))
		}
		var back string
		b := AppendString(nil, s)
		if err := json.Unmarshal(b, &back); err != nil || back != want {
			t.Errorf("%q became %s, read as %q %v", s, b, back, err)
		}
		if got, ok := String(b); !ok || got != want {
			t.Errorf("%q became %s, read back as %q %v", s, b, got, ok)
		}
	})
}

func TestAppendKey(t *testing.T) {
	b := AppendKey([]byte("{"), "a")
	b = append(b, '[')
	b = append(AppendComma(b), '1')
	b = append(AppendComma(b), '2')
	b = AppendKey(append(b, ']'), `b"`)
	if got, want := string(b)+"0}", `{"a":[1,2],"b\"":0}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSyntaxError(t *testing.T) {
	for text, want := range map[string]string{
		`{"a" 1}`: "no JSON at byte 5: want :",
		`[1]`:     "no JSON at byte 0: want {",
		`{"a":"b`: "no JSON at byte 7: a string has no end",
	} {
		if _, err := Members([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func BenchmarkMembers(b *testing.B) {
	in := []byte(`{"success":true,"message":"","data":{"rootContainerId":"7602c7e0","data":"router cycle 10s","ttlMs":59999}}`)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			_, _ = Members(in)
		}
	})
	b.Run("encoding", func(b *testing.B) {
		for b.Loop() {
			var m struct{ Success, Message, Data json.RawMessage }
			_ = json.Unmarshal(in, &m)
		}
	})
}
