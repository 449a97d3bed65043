package main

import "strings"

// tally is what a report comes to: the checks that have a row of their own, and how many
// others passed.
type tally struct {
	rows    []*check
	bare    int     // passed without a guest
	seconds float64 // that they took
	passed  int     // with those
	failed  int
	skipped int
	guests  int // ran in a guest
}

// tally counts every check once: a test, or its parts where these say more than it does.
func (r *report) tally() tally {
	r.finish()
	var t tally
	for _, c := range r.checks {
		switch {
		case !r.counts(c):
			continue
		case c.where() == "" && c.result == pass:
			t.bare++
			t.seconds += c.seconds
		default:
			t.rows = append(t.rows, c)
		}
		switch c.result {
		case pass:
			t.passed++
		case fail:
			t.failed++
		case leftOut:
			t.skipped++
		}
		if c.where() != "" && c.result != leftOut {
			t.guests++
		}
	}
	return t
}

// counts: a part counts if it has a guest of its own or did not pass; a test does unless its
// parts say it all; a package only if it failed and none of its tests did, such as one that
// does not compile.
func (r *report) counts(c *check) bool {
	if c.name == "" {
		return c.result == fail && !r.testFailed(c.pkg)
	}
	if c.parent != nil && c.guest == "" && c.result == pass {
		return false
	}
	for _, p := range c.parts {
		if r.counts(p) && (c.guest == "" || p.result == fail) {
			return false
		}
	}
	return true
}

func (r *report) testFailed(pkg string) bool {
	for _, c := range r.checks {
		if c.pkg == pkg && c.name != "" && c.result == fail {
			return true
		}
	}
	return false
}

// wantingGuest is how many checks were left out for want of a guest (guest.Need).
func (r *report) wantingGuest() int {
	n := 0
	for _, c := range r.checks {
		if c.result == leftOut && strings.Contains(c.output.String(), "it needs a guest") {
			n++
		}
	}
	return n
}
