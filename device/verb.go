package device

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Widths that a verb has when the command names none, and bounds that no
// config raises (design.md section 2).
const (
	defaultPulse = 500 * time.Millisecond
	defaultCycle = 10 * time.Second
	longestLease = 7 * 24 * time.Hour
	longestWait  = 5 * time.Minute
)

const (
	outputVerbs = "on, off, on 10m (a lease), pulse [500ms], cycle [10s], read"
	inputVerbs  = "read, wait on 30s, wait off 30s"
)

// action turns a command to an output into what it would do; it looks at the
// words and the spec only, never at the state. The verb read gives a zero Kind.
func (s OutputSpec) action(c Command) (Action, error) {
	a := Action{Target: c.Target, Verb: c.Verb}
	var err error
	switch c.Verb {
	case "read":
		err = noArgs(c)
	case "off", "on":
		err = s.steady(&a, c)
	case "pulse":
		a.Kind, a.Width, a.To = KindPulse, defaultPulse, false
		err = s.width(&a, c, s.pulseBound())
	case "cycle":
		a.Kind, a.Width, a.To = KindCycle, defaultCycle, s.ActiveFor(LoadOn)
		err = s.width(&a, c, s.LongestWidth())
	default:
		err = unknownVerb(c, "an output", outputVerbs)
	}
	return a, err
}

// steady fills in on, off and the lease "on 10m".
func (s OutputSpec) steady(a *Action, c Command) error {
	a.Kind, a.To = KindSteady, s.ActiveFor(Load(c.Verb))
	a.TowardsSafe = a.To == s.SafeActive()
	if c.Verb == "off" || len(c.Args) == 0 {
		return noArgs(c)
	}
	a.Kind = KindLease
	most := longestLease
	if s.MaxOn > 0 {
		most = min(most, s.MaxOn)
	}
	return s.width(a, c, most)
}

// width reads the only argument, or bounds the default by most.
func (s OutputSpec) width(a *Action, c Command, most time.Duration) error {
	what := c.Verb + " of " + c.Target
	switch len(c.Args) {
	case 0:
		a.Width = min(a.Width, most)
		return nil
	case 1:
		var err error
		a.Width, err = parseDuration(what, c.Args[0], most)
		return err
	}
	return fmt.Errorf("%s takes one duration, not the %d words %s: want %s to %s, such as 500ms, 10s or 5m",
		what, len(c.Args), quote(strings.Join(c.Args, " ")), shortest, words(most))
}

// pulseBound is Longest and, where a pulse drives the load on, MaxOn too.
func (s OutputSpec) pulseBound() time.Duration {
	if s.MaxOn > 0 && s.ActiveFor(LoadOn) {
		return min(s.LongestWidth(), s.MaxOn)
	}
	return s.LongestWidth()
}

// waitFor reads the arguments of "wait on|off LIMIT".
func waitFor(c Command) (active bool, limit time.Duration, err error) {
	if len(c.Args) != 2 || c.Args[0] != "on" && c.Args[0] != "off" {
		return false, 0, fmt.Errorf("wait of %s: want wait on LIMIT or wait off LIMIT, such as wait on 30s, at most %s", c.Target, words(longestWait))
	}
	limit, err = parseDuration("wait of "+c.Target, c.Args[1], longestWait)
	return c.Args[0] == "on", limit, err
}

func noArgs(c Command) error {
	if len(c.Args) == 0 {
		return nil
	}
	if c.Verb == "off" {
		return errors.New("off takes no argument: only on can be a lease, such as on 10m")
	}
	return fmt.Errorf("%s takes no argument, not %s", c.Verb, quote(strings.Join(c.Args, " ")))
}

// unknownVerb also says why there is no toggle.
func unknownVerb(c Command, kind, verbs string) error {
	if c.Verb == "toggle" {
		return fmt.Errorf("there is no toggle: said twice it undoes itself, and nobody knows where it ends; %s, %s, knows %s", c.Target, kind, verbs)
	}
	return fmt.Errorf("unknown verb %s: %s, %s, knows %s", quote(c.Verb), c.Target, kind, verbs)
}
