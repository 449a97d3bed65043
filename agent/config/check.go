package config

import (
	"strconv"
	"strings"
)

// notServed is what a file gets for what this version knows but does not do.
// A rule that is silently ignored hurts somebody, so it is always a fault.
const notServed = "not served by this version"

// root checks the sections of the file.
func (r *reader) root(t *table) {
	if t.values["push"] == nil && !r.cut {
		r.faultAt(1, "push", "a [push] table", "none")
	}
	for _, f := range t.wrong {
		r.faultAt(f.line, keyName(f.key), f.want, f.got)
	}
	for _, name := range t.order {
		v := t.values[name]
		if t.cut && v.shape == aTable {
			v.table.cut = true
		}
		k, known := row(name, "")
		switch {
		case !known || strings.Contains(name, "."):
			r.unknown(name, v)
		default:
			r.known(k, v)
		}
	}
}

func (r *reader) unknown(name string, v *value) {
	switch {
	case v.shape == aTable:
		r.faultAt(v.line, "["+keyName(name)+"]", "one of "+headings(), "an unknown table")
	case v.tables() && len(v.items) > 0:
		r.faultAt(v.line, "[["+keyName(name)+"]]", "one of "+headings(), "an unknown table")
	default:
		r.faultAt(v.line, keyName(name), "it under the heading of a table such as [push]", "a key outside of any table")
	}
}

func headings() string {
	var names []string
	for _, k := range rows {
		if k.key == "" && !strings.Contains(k.section, ".") {
			names = append(names, k.heading())
		}
	}
	return or(names)
}

// known checks a section whose name is right. One in the wrong brackets is
// checked all the same, so that all its faults are told at once.
func (r *reader) known(k *key, v *value) {
	switch {
	case v.tables() && len(v.items) > 0:
		for i, item := range v.items {
			s := r.section(k, item.table, k.section, i+1)
			if k.kind == isTable {
				s.itself(k.heading(), "[["+k.section+"]]")
			}
		}
	case v.shape == aTable:
		s := r.section(k, v.table, k.section, 1)
		if k.kind == isTables {
			s.itself(k.heading(), "["+k.section+"]")
		}
	default:
		r.faultAt(v.line, k.section, k.heading(), v.shape.String())
		r.lockAll = r.lockAll || k.section == "interlock" || k.section == "lockout"
	}
}

// itself reports the section as a whole.
func (s *section) itself(want, got string) {
	s.bad, s.wrong = true, true
	if !s.table.cut {
		s.r.faultAt(s.line, s.field, want, got)
	}
}

// section checks one table: its keys against the rows, then what only its
// kind knows. The label is its field without its name or number.
func (r *reader) section(k *key, t *table, label string, number int) *section {
	s := &section{r: r, kind: k.section, line: t.line, table: t, right: map[string]*value{}, field: label, bad: t.cut, wrong: t.cut}
	if v := t.values["name"]; v != nil && v.shape == aText && goodName(v.text) {
		s.name = v.text
	}
	switch {
	case k.kind == isTables && s.name != "":
		s.field += " " + strconv.Quote(s.name)
	case k.kind == isTables:
		s.field += "[" + strconv.Itoa(number) + "]"
	}
	r.sections[s.kind] = append(r.sections[s.kind], s)
	s.flaws()
	for _, name := range t.order {
		s.key(name, t.values[name])
	}
	for i := range rows {
		if k := &rows[i]; k.section == s.kind && k.need && k.key != "" && !s.wrote(k.key) {
			s.fault(k.key, k.want(), "nothing")
		}
	}
	s.own()
	return s
}

// flaws reports what the tree could not take in.
func (s *section) flaws() {
	for _, f := range s.table.wrong {
		_, known := row(s.kind, f.key)
		s.bad, s.wrong = true, s.wrong || known
		field := s.field
		if f.key != "" {
			field += "." + keyName(f.key)
		}
		if !s.table.cut {
			s.r.faultAt(f.line, field, f.want, f.got)
		}
	}
}

// key checks one key of the section and keeps its value when it is right.
func (s *section) key(name string, v *value) {
	k, known := row(s.kind, name)
	switch {
	case name == "" || !known && !s.inlineKey(name):
		s.stray(name, "one of "+strings.Join(keysOf(s.kind), ", "), "an unknown key")
		return
	case !known:
		return
	}
	if want, got := s.value(k, v); want != "" {
		s.fault(name, want, got)
	} else {
		s.right[name] = v
	}
}

// own checks what the table of keys cannot say.
func (s *section) own() {
	switch s.kind {
	case "push":
		s.ownPush()
	case "output":
		s.ownOutput()
	case "board":
		s.ownBoard()
	case "port":
		s.ownPort()
	case "port.exchange":
		s.ownExchange()
	case "trigger":
		s.ownTrigger()
	case "state":
		s.absolute("dir")
	}
}
