package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// The results of a check.
const (
	pass    = "PASS"
	fail    = "FAIL"
	leftOut = "LEFT OUT"
)

// results by go test's action; "" is that of a check that has not ended.
var results = map[string]string{"pass": pass, "fail": fail, "skip": leftOut}

// check is a test, a part of one, or, without a name, a package.
type check struct {
	pkg, name string
	parent    *check
	parts     []*check
	guest     string
	figures   []string
	seconds   float64
	result    string
	output    strings.Builder
}

// report collects events.
type report struct {
	live   io.Writer // gets a line when a guest is begun and when a check with a guest has ended, or not passed
	checks []*check  // in the order of their starts
	by     map[string]*check
	build  strings.Builder // what the compiler and the go command said
}

func newReport(live io.Writer) *report { return &report{live: live, by: map[string]*check{}} }

// see takes one event.
func (r *report) see(e event) {
	switch {
	case e.Action == "build-output":
		r.build.WriteString(e.Output)
	case e.Package == "" || e.Action == "start":
	default:
		r.test(r.find(e.Package, e.Test), e)
	}
}

func (r *report) test(c *check, e event) {
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") { // RUN, ATTR, PAUSE, CONT: events say it
			c.output.WriteString(e.Output)
		}
	case "attr":
		r.note(c, e.Key, e.Value)
	case "pass", "fail", "skip":
		c.result, c.seconds = results[e.Action], e.Elapsed
		if c.name != "" && (c.guest != "" || c.result != pass) {
			fmt.Fprintf(r.live, "%-8s  %s  %.1f s\n", c.result, c.name, c.seconds)
		}
	}
}

func (r *report) note(c *check, key, value string) {
	switch key {
	case "figure":
		c.figures = append(c.figures, value)
	case "guest":
		if c.guest == "" {
			fmt.Fprintf(r.live, "%-8s  %s  in %s\n", "start", c.name, value)
		}
		if !strings.Contains(c.guest, value) {
			c.guest = strings.TrimPrefix(c.guest+"; "+value, "; ")
		}
	}
}

// find is the check that an event is of, which may be the first of it.
func (r *report) find(pkg, name string) *check {
	key := pkg + "\x00" + name
	if c := r.by[key]; c != nil {
		return c
	}
	c := &check{pkg: pkg, name: name}
	if i := strings.LastIndex(name, "/"); i > 0 {
		c.parent = r.find(pkg, name[:i])
		c.parent.parts = append(c.parent.parts, c)
	}
	r.by[key] = c
	r.checks = append(r.checks, c)
	return c
}

// where is the check's guest or that of the test which it is a part of.
func (c *check) where() string {
	for ; c != nil; c = c.parent {
		if c.guest != "" {
			return c.guest
		}
	}
	return ""
}

// label names it.
func (c *check) label() string { return cmp.Or(c.name, c.pkg) }

// finish says of what never ended that it failed: the program was killed.
func (r *report) finish() {
	for _, c := range r.checks {
		if c.result == "" && (c.name != "" || c.output.Len() > 0) {
			c.result = fail
			c.output.WriteString("it never ended\n")
		}
	}
}
