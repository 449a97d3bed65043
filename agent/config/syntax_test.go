package config

import (
	"slices"
	"strings"
	"testing"
)

// TestSyntax: one fault where the file stops being TOML; what was complete
// before it is used, but no output, since an interlock may follow.
func TestSyntax(t *testing.T) {
	const push = "[push]\nurl = \"https://a\"\ncontainer = \"c\"\nkey_file = \"/k\"\n"
	const input = "[[input]]\nname = \"led\"\nline = \"A\"\n"
	const output = "[[output]]\nname = \"router\"\nline = \"B\"\n"
	tests := []struct {
		name, text, fault string
		push              bool
		dropped           string
	}{
		{"bare word", push + input + output + "contact = nc\n", `11: syntax: want a value: text in "quotes", a whole number, true, false or a [list], got expected keyword "nan"`, true, "router"},
		{"bare word 2", push + output + "chip = pinctrl\n", `8: syntax: want a value: text in "quotes", a whole number, true, false or a [list], got unexpected character U+0070 'p' at start of value`, true, "router"},
		{"two in a line", push + "[state] dir = \"/x\"\n", `5: syntax: want one key = value a line, got expected newline but got U+0064 'd'`, true, ""},
		{"open text", push + output + "chip = \"pin\nsafe = \"on\"\n", `8: syntax: want a closing quote in the same line, got basic strings cannot have new lines`, true, "router"},
		{"open list", push + "[[group]]\nmembers = [\"a\"\ndelay = \"1s\"\n", `7: syntax: want commas between the values of a list and a closing ], got expected ',' or ']' after array value (what begins in line 6 is not finished)`, true, "group[1]"},
		{"open heading", push + output + "[[input]\nname = \"led\"\n", `8: syntax: want [[table]], got expected ']]' to close array table name`, true, "router"},
		{"heading after comment", push + "# [\n[output\n", `6: syntax: want [table], got expected ']' to close table name`, true, ""},
		{"no value", push + "auth\n", `5: syntax: want key = value, got expected '=' after key`, false, ""},
		{"inside push", push + "pins = [\n  [\"a\" \"b\"],\n]\n" + input, `6: syntax: want commas between the values of a list and a closing ], got expected ',' or ']' after array value (what begins in line 5 is not finished)`, false, ""},
		{"before push", "x\n" + push, `1: syntax: want key = value, got expected '=' after key`, false, ""},
		{"escape", push + output + `safe = "\q"`, `8: syntax: want an escape such as \n or \\, or 'single quotes', which take every \ as it stands, got invalid escape character U+0071 'q'`, true, "router"},
		{"NUL", push + output + "safe = \"o\x00n\"\n", `8: syntax: want UTF-8 text, got a NUL byte`, true, "router"},
		{"NUL in push", push + "auth = \"\x00\"\n", `5: syntax: want UTF-8 text, got a NUL byte`, false, ""},
		{"not UTF-8", push + output + "safe = \"o\xffn\"\n\x00", `8: syntax: want UTF-8 text, got bytes that are not UTF-8`, true, "router"},
		{"deep", push + "[state]\ndir = " + strings.Repeat("[", 20000), `6: syntax: want a flat value, got arrays and inline tables are nested more than the maximum of 10000 levels deep`, true, ""},
		{"JSON", `{"push": {}}`, `1: syntax: want key = value, a [table] or a # comment, got invalid character at start of key: U+007B '{'`, false, ""},
	}
	for _, tt := range tests {
		c, got := told(tt.text)
		if want := []string{"f.toml:" + tt.fault}; !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, strings.Join(got, "\n     "), want[0])
		}
		if c.PushOK != tt.push || strings.Join(c.Dropped, " ") != tt.dropped || len(c.Device.Outputs) > 0 {
			t.Errorf("%s: push %v, dropped %q, outputs %v; want %v, %q and none", tt.name, c.PushOK, c.Dropped, c.Device.Outputs, tt.push, tt.dropped)
		}
	}
}

func TestSyntaxKeepsWhatCameBefore(t *testing.T) {
	c, got := told(strings.Replace(example(t, "valid.toml"), `dir = "/srv/longarm"`, `dir = /srv`, 1) + "[[interlock]]\n")
	if len(got) != 1 {
		t.Errorf("got %v, want one fault", got)
	}
	if !c.PushOK || len(c.Device.Inputs) != 1 || c.Device.PowerFail == nil || c.StateDir != "/var/lib/longarm" {
		t.Errorf("got %+v", c)
	}
	same(t, c.Dropped, []string{"router", "pump"})
}

func TestDeepValue(t *testing.T) {
	_, got := told(example(t, "valid.toml") + "[[group]]\nname = \"g\"\nmembers = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000))
	same(t, got, []string{
		`f.toml:44: group "g".members: want a list of 1 to 64 texts, got a list with a list in it`,
	})
	_, got = told(example(t, "valid.toml") + "a.b.c.d.e.f = 1\n[push.a.b.c.d]\nx = 1\n")
	same(t, got, []string{
		`f.toml:42: state.a: want at most 4 parts in a key, got 6`,
		`f.toml:43: push: want at most 4 parts in a key, got 5`,
	})
}
