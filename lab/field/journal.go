package field

import (
	"strings"
	"time"
)

// Line is one line of the agent's log.
type Line struct {
	At   time.Duration // guest's CLOCK_MONOTONIC
	Text string        // msg="…" key=value …
}

// Value is what follows key= in the line, without quotes.
func (l Line) Value(key string) string {
	_, rest, ok := strings.Cut(l.Text, " "+key+"=")
	if !ok {
		return ""
	}
	if quoted, is := strings.CutPrefix(rest, `"`); is {
		value, _, _ := strings.Cut(quoted, `"`)
		return value
	}
	value, _, _ := strings.Cut(rest, " ")
	return value
}

// Said are the lines of the agent's log since then, a time of the guest's CLOCK_MONOTONIC,
// that contain text, oldest first.
func (b *Box) Said(text string, since time.Duration) []Line {
	b.t.Helper()
	var said []Line
	for line := range strings.Lines(b.Log()) { // "[   13.797061] lab longarm-agent[217]: msg=…"
		stamp, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "["), "] ")
		at, err := time.ParseDuration(strings.TrimSpace(stamp) + "s")
		if !ok || err != nil || at < since || !strings.Contains(rest, text) {
			continue
		}
		if _, text, ok := strings.Cut(rest, "]: "); ok {
			said = append(said, Line{at, text})
		}
	}
	return said
}

// Saying waits until the agent's log has such a line since then, and gives the first.
func (b *Box) Saying(text string, since, limit time.Duration) (line Line) {
	b.t.Helper()
	Until(b.t, "the agent says "+text, limit, func() bool {
		said := b.Said(text, since)
		if len(said) > 0 {
			line = said[0]
		}
		return len(said) > 0
	})
	return line
}

// Reached is when the agent first read something from a TCP connection since then. It
// needs TraceTCP before.
func (b *Box) Reached(since, limit time.Duration) (at time.Duration) {
	b.t.Helper()
	Until(b.t, "the agent reads from the service", limit, func() bool {
		for _, p := range b.Packets() {
			if !p.Sent && p.At >= since {
				at = p.At
				return true
			}
		}
		return false
	})
	return at
}
