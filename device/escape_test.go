package device

import (
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		``: "", `Q1\r`: "Q1\r", `\n\t\\`: "\n\t\\", `\x00\xFf`: "\x00\xff", `a\\x41`: `a\x41`, "ü\r": "ü\r", `\x4142`: "A42",
	} {
		if got, err := Unescape(text); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`\`, `\q`, `\x`, `\x4`, `\xg0`, `\x-1`, `\x+1`, `a\0`, `\R`} {
		if got, err := Unescape(text); err == nil || !strings.Contains(err.Error(), `want \r, \n, \t, \xHH or \\`) {
			t.Errorf("%q: got %q, %v, want an error that says what is right", text, got, err)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", `Q1\r`, `\xff\\`, "\xff\x80é", `\`, "a\u00a0b\u200b", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if out, err := Unescape(s); err == nil && len(out) > len(s) {
			t.Errorf("%q became longer: %q", s, out)
		}
		shown := printable([]byte(s))
		if strings.ContainsAny(shown, "\r\n\x00") {
			t.Errorf("%q is shown as %q", s, shown)
		}
		if back, err := Unescape(shown); err != nil || string(back) != s {
			t.Errorf("%q is shown as %q and read back as %q (%v)", s, shown, back, err)
		}
	})
}

// A pattern works on bytes: \xHH is that byte, whatever it is in a text.
func TestPatternIsOverBytes(t *testing.T) {
	for _, test := range []struct{ pattern, reply, words string }{
		{`^\x02(?P<v>.)\xff`, "\x02\x80\xff", `v=\x80`},
		{`(?P<v>ü)`, "\xfc", `v=\xfc`}, // a letter of Latin-1 is its byte
		{`(?P<a>\d+) (?P<b>x)?`, "12 ", "a=12"},
		{`(?P<a>(?P<b>ok)\r)`, "ok\r", `a=ok\r b=ok`},
		{`ok`, "it is ok \\", `it is ok \\`},
	} {
		re, err := Pattern(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var h heard
		h.add([]byte(test.reply))
		if !h.fits(&ask{exchange: &exchange{expect: re}}) {
			t.Errorf("%s does not fit %q", test.pattern, test.reply)
			continue
		}
		if _, words := h.named(re); words != test.words {
			t.Errorf("%s on %q: got %s, want %s", test.pattern, test.reply, words, test.words)
		}
	}
	if _, err := Pattern(`(`); err == nil {
		t.Error("a broken pattern is none")
	}
}

// Groups that overlap cannot make an answer longer than the reply.
func TestNamedGroupsAreBounded(t *testing.T) {
	re, err := Pattern(`(?s)(?P<a>(?P<b>(?P<c>.+)))`)
	if err != nil {
		t.Fatal(err)
	}
	var h heard
	h.add([]byte(strings.Repeat("\x01", 4000)))
	if !h.fits(&ask{exchange: &exchange{expect: re}}) {
		t.Fatal("does not fit")
	}
	values, words := h.named(re)
	n := 0
	for _, v := range values {
		n += len(v)
	}
	if n > 4*maxReply || len(words) > maxShown+10 {
		t.Errorf("%d bytes of values, %d of words", n, len(words))
	}
}
