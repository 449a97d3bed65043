package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longestText bounds one text, in bytes.
const longestText = 4096

func (s shape) String() string {
	return [...]string{
		aText: "text", aNumber: "a number", aBool: "a boolean", aFraction: "a fraction",
		aTime: "a date or time", aList: "a list", aTable: "a table",
	}[s]
}

// want says what would be right for the key.
func (k *key) want() string {
	switch k.kind {
	case isName:
		return `a name of at most 32 of a-z, 0-9 and -, such as "router"`
	case isBool:
		return "true or false"
	case isCount:
		if k.ends {
			return fmt.Sprintf("%d or %d", k.min, k.max)
		}
		return fmt.Sprintf("a whole number from %d to %d", k.min, k.max)
	case isSpan:
		w := fmt.Sprintf(`a duration from %s to %s in quotes, such as "500ms"`, short(k.min), short(k.max))
		if k.never {
			w += `, or "never"`
		}
		return w
	case isWord:
		quoted := make([]string, len(k.words))
		for i, w := range k.words {
			quoted[i] = strconv.Quote(w)
		}
		return or(quoted)
	case isList:
		return fmt.Sprintf("a list of %d to %d texts", k.min, k.max)
	case isTable, isTables:
		return k.heading()
	}
	return "text in quotes"
}

// value checks v against the key's row; want is empty when it is right.
func (s *section) value(k *key, v *value) (want, got string) {
	want = k.want()
	switch {
	case k.kind == isTable || k.kind == isTables:
		return s.inner(k, v)
	case !k.takes(v.shape):
		return want, s.shown(v)
	}
	ok, got := true, show(v.text)
	switch k.kind {
	case isText, isPath:
		ok, got = s.plain(v.text)
	case isName:
		ok = goodName(v.text)
	case isCount:
		n, err := strconv.ParseInt(v.text, 0, 64)
		ok, got = err == nil && n >= k.min && n <= k.max && (!k.ends || n == k.min || n == k.max), clip(v.text)
	case isSpan:
		ok = k.span(v.text)
	case isWord:
		ok = slices.Contains(k.words, v.text)
	case isList:
		ok, got = s.texts(k, v)
	}
	if ok {
		return "", ""
	}
	return want, got
}

func (k *key) takes(s shape) bool {
	switch k.kind {
	case isBool:
		return s == aBool
	case isCount:
		return s == aNumber
	case isList:
		return s == aList
	}
	return s == aText
}

// shown is a value of the wrong type. In [push] only its type is told: it may
// be a secret in the wrong place.
func (s *section) shown(v *value) string {
	switch {
	case s.kind == "push" || v.text == "":
		return v.shape.String()
	case v.shape == aText:
		return "the text " + show(v.text)
	}
	return clip(v.text)
}

func clip(s string) string { return s[:min(len(s), showMost)] }

// plain says whether a text can be a value at all.
func (s *section) plain(t string) (ok bool, got string) {
	control := strings.IndexFunc(t, func(c rune) bool { return c < ' ' || c == 0x7f }) >= 0
	switch {
	case t == "":
		return false, "empty text"
	case len(t) > longestText:
		return false, fmt.Sprintf("a text of %d bytes (at most %d)", len(t), longestText)
	case control && s.kind != "port.exchange":
		return false, "text with a control character"
	}
	return true, ""
}

func (s *section) texts(k *key, v *value) (ok bool, got string) {
	if n := int64(len(v.items)); n < k.min || n > k.max {
		return false, fmt.Sprintf("a list of %d", n)
	}
	seen := map[string]bool{}
	for _, item := range v.items {
		if item.shape != aText {
			return false, "a list with " + item.shape.String() + " in it"
		}
		if ok, got := s.plain(item.text); !ok {
			return false, "a list with " + got + " in it"
		}
		if seen[item.text] {
			return false, "a list with " + show(item.text) + " in it twice"
		}
		seen[item.text] = true
	}
	return true, ""
}

// span says whether a duration is one and within its bounds.
func (k *key) span(t string) bool {
	if k.never && t == "never" {
		return true
	}
	d, err := time.ParseDuration(t)
	return err == nil && int64(d) >= k.min && int64(d) <= k.max
}

// inner checks a table in the section.
func (s *section) inner(k *key, v *value) (want, got string) {
	sub, _ := row(s.kind+"."+k.key, "")
	label := s.field + "." + k.key
	switch {
	case k.kind == isTable && v.shape == aTable:
		s.adopt(s.r.section(sub, v.table, label, 1))
	case k.kind == isTables && v.tables() && len(v.items) > 0:
		for i, item := range v.items {
			s.adopt(s.r.section(sub, item.table, label, i+1))
		}
	default:
		return sub.heading(), s.shown(v)
	}
	return "", ""
}

// adopt makes a fault of a part one of the whole.
func (s *section) adopt(part *section) {
	s.bad, s.wrong = s.bad || part.bad, s.wrong || part.wrong
}

// goodName: what a target or a board may be called (design.md section 2).
func goodName(n string) bool {
	if n == "" || len(n) > 32 || n[0] == '-' {
		return false
	}
	for _, c := range []byte(n) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// short is a duration without the zeros that time.Duration prints: 24h, 1m.
func short(ns int64) string {
	t := time.Duration(ns).String()
	if strings.HasSuffix(t, "m0s") {
		t = strings.TrimSuffix(t, "0s")
	}
	if strings.HasSuffix(t, "h0m") {
		t = strings.TrimSuffix(t, "0m")
	}
	return t
}
