package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reader collects what is wrong in one file and the sections that it has.
type reader struct {
	file     string
	cut      bool // the file was not read to its end
	lockAll  bool // a rule for all outputs could not be read
	sections map[string][]*section
	faults   []Fault
	untold   int // faults beyond what we remember
	warnings []Fault
}

// section is one [table] of a known kind with those of its values that are right.
type section struct {
	r     *reader
	kind  string // "output"
	field string // `output "router"`, for faults
	name  string // "" when it has no right one
	line  int
	table *table
	right map[string]*value
	bad   bool // has a fault, or is part of one
	wrong bool // a key that we know, or the section itself, has a fault
}

func (r *reader) faultAt(line int, field, want, got string) {
	if len(r.faults) >= 16*maxFaults {
		r.untold++
		return
	}
	r.faults = append(r.faults, Fault{r.file, max(line, 1), field, want, got})
}

// told is the faults in the order of their lines, and no more than a box can hold.
func (r *reader) told() []Fault {
	f := sortFaults(r.faults)
	if len(f) <= maxFaults {
		return f
	}
	more := len(f) - maxFaults + 1 + r.untold
	f = slices.Clone(f[:maxFaults])
	f[maxFaults-1] = Fault{r.file, f[maxFaults-1].Line, "file", "fewer faults", fmt.Sprintf("%d more from here on", more)}
	return f
}

// sortFaults sorts by line, stable. There are few; slices.SortStableFunc of them
// would add 6 KB to the agent.
func sortFaults(f []Fault) []Fault {
	for i := range f {
		for j := i; j > 0 && f[j].Line < f[j-1].Line; j-- {
			f[j], f[j-1] = f[j-1], f[j]
		}
	}
	return f
}

// fault reports a key of the section, at the key's line or, when it is not
// there, at the section's. What a syntax error broke off is not judged.
func (s *section) fault(name, want, got string) {
	s.bad, s.wrong = true, true
	if !s.table.cut {
		s.r.faultAt(s.at(name), s.field+"."+keyName(name), want, got)
	}
}

// stray reports what does not belong into the section but harms no key of it.
func (s *section) stray(name, want, got string) {
	was := s.wrong
	s.fault(name, want, got)
	s.wrong = was || s.table.cut
}

func (s *section) warn(name, want, got string) {
	s.r.warnings = append(s.r.warnings, Fault{s.r.file, s.at(name), s.field + "." + name, want, got})
}

// at is the line of a key, or of the section when it has no such key.
func (s *section) at(name string) int {
	if v, there := s.table.values[name]; there {
		return v.line
	}
	return s.line
}

// wrote says that the file has the key, right or not.
func (s *section) wrote(name string) bool { return s.table.values[name] != nil }

// has says that the file has the key and that it is right.
func (s *section) has(name string) bool { return s.right[name] != nil }

// showMost is how much of a value a fault repeats.
const showMost = 40

func show(s string) string {
	if r := []rune(s[:min(len(s), 4*showMost)]); len(r) > showMost {
		s = string(r[:showMost]) + "…"
	}
	return strconv.Quote(s)
}

// keyName is a key as a fault names it: as it stands when it is a plain word.
func keyName(s string) string {
	plain := strings.IndexFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) < 0
	if plain && s != "" && len(s) <= showMost {
		return s
	}
	return show(s)
}

// or joins words as a sentence does: a, b or c.
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
