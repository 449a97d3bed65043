package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// targets are the kinds that calls can name; they share one name space.
var targets = []string{"output", "input", "machine", "port", "group"}

// of lists the sections of these kinds in the order of the file.
func (r *reader) of(kinds ...string) (all []*section) {
	for _, k := range kinds {
		all = append(all, r.sections[k]...)
	}
	slices.SortStableFunc(all, func(a, b *section) int { return cmp.Compare(a.line, b.line) })
	return all
}

// clash reports that s and an earlier section want the same. Which of them is
// right nobody can tell, so both are left out.
func (s *section) clash(key string, earlier *section, theirs, want string) {
	earlier.bad, earlier.wrong = true, true
	s.fault(key, want, "that of "+earlier.field+" (line "+strconv.Itoa(earlier.at(theirs))+")")
}

func (r *reader) checkNames() {
	for _, kinds := range [][]string{targets, {"board"}} {
		first := map[string]*section{}
		for _, s := range r.of(kinds...) {
			if s.name == "" {
				continue
			}
			if s.name == "agent" && s.kind != "board" {
				s.fault("name", "another name: agent is the box itself", show(s.name))
			}
			if o := first[s.name]; o != nil {
				s.clash("name", o, "name", "a name of its own")
				continue
			}
			first[s.name] = s
		}
	}
}

// checkLines: every line is named so that it can be found, and only once.
func (r *reader) checkLines() {
	claimed := map[string]map[string]*section{} // line → chip ("" = any; "*" = the first whatever its chip) → who
	for _, s := range r.of("output", "input", "power_fail", "lockout") {
		chip, line := s.str("chip"), s.str("line")
		if n, ok := strings.CutPrefix(strings.TrimPrefix(chip, "/dev/"), "gpiochip"); ok && digits(n) {
			s.fault("chip", "the chip's label, since its number changes between kernels", show(chip))
		}
		if !s.has("line") {
			continue
		}
		if digits(line) {
			if !s.wrote("chip") {
				s.fault("chip", "the chip's label, since line "+show(line)+" is an offset", "nothing")
			}
			line = "#" + strings.TrimLeft(line, "0")
		}
		at := claimed[line]
		if at == nil {
			at = map[string]*section{"*": s}
			claimed[line] = at
		} else if o := cmp.Or(at[chip], at[""]); o != nil {
			s.clash("line", o, "line", "a line of its own")
		} else if chip == "" {
			s.clash("line", at["*"], "line", "a line of its own, or chip to tell them apart")
		}
		if at[chip] == nil {
			at[chip] = s
		}
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// checkChannels: every channel is one of a board that is there, and only once.
func (r *reader) checkChannels() {
	boards, twice := map[string]*section{}, map[string]bool{}
	for _, b := range r.sections["board"] {
		twice[b.name] = boards[b.name] != nil
		boards[b.name] = b
	}
	type channel struct {
		board string
		n     int
	}
	first := map[channel]*section{}
	for _, s := range r.sections["output"] {
		if !s.has("board") {
			continue
		}
		b := boards[s.str("board")]
		switch {
		case b == nil && !r.cut:
			s.fault("board", "the name of a [[board]]", show(s.str("board")))
		case b != nil && !twice[b.name] && s.has("channel") && b.has("channels") && s.num("channel") > b.num("channels"):
			s.fault("channel", "a channel from 1 to "+b.str("channels")+" of board "+show(b.name), s.str("channel"))
		}
		if !s.has("channel") {
			continue
		}
		c := channel{s.str("board"), s.num("channel")}
		if o := first[c]; o != nil {
			s.clash("channel", o, "channel", "a channel of its own")
			continue
		}
		first[c] = s
	}
}
