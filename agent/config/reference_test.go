package config

import (
	"strings"
	"testing"
)

func TestReferenceListsEveryKeyOnce(t *testing.T) {
	var b strings.Builder
	if err := Reference(&b); err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for part := range strings.SplitSeq(b.String(), "## ") {
		heading, body, _ := strings.Cut(part, "\n")
		sections[heading] = body
	}
	for _, k := range rows {
		if k.key == "" {
			if n := strings.Count(b.String(), "## `"+k.heading()+"`\n"); n != 1 {
				t.Errorf("heading %s stands %d times, want 1", k.heading(), n)
			}
			continue
		}
		head, _ := row(k.section, "")
		if n := strings.Count(sections["`"+head.heading()+"`"], "| `"+k.key+"` |"); n != 1 {
			t.Errorf("key %s.%s stands %d times, want 1", k.section, k.key, n)
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 6 {
			t.Errorf("not five columns: %s", line)
		}
	}
}

// TestRows holds the table to itself: a default is a right value, each key
// has a meaning, and a key without a default says what happens without it.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range rows {
		id := k.section + "." + k.key
		if seen[id] {
			t.Errorf("%s stands twice", id)
		}
		seen[id] = true
		if k.doc == "" {
			t.Errorf("%s has no meaning", id)
		}
		if k.key == "" {
			continue
		}
		if !k.need && k.def == "" && k.derived == "" && id != "push.key_exchange" {
			t.Errorf("%s says nothing about its absence", id)
		}
		if (k.kind == isSpan || k.kind == isList || k.kind == isCount) && k.max <= k.min {
			t.Errorf("%s has no range", id)
		}
		if k.def == "" || id == "port.baud" {
			continue
		}
		v := &value{shape: aText, text: k.def}
		switch k.kind {
		case isBool:
			v.shape = aBool
		case isCount:
			v.shape = aNumber
		}
		if want, got := (&section{kind: k.section}).value(&k, v); want != "" {
			t.Errorf("default of %s: want %s, got %s", id, want, got)
		}
	}
}
