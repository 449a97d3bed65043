package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// json prints the service's own document on one line.
func (c command) json(raw json.RawMessage) int {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		fmt.Fprintf(c.stderr, "longarm: print the answer: %v\n", err)
		return exitError
	}
	line.WriteByte('\n')
	_, err := line.WriteTo(c.stdout)
	return c.written(err)
}

// written turns the error of the last write to stdout into an exit code.
func (c command) written(err error) int {
	if err != nil {
		fmt.Fprintf(c.stderr, "longarm: write the output: %v\n", err)
		return exitError
	}
	return exitDone
}

// age says how long ago t was, roughly; "never" for the zero time.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := max(now.Sub(t), 0)
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}

// span is a duration as people say it: 12 ms, 1.20 s, 10.0 s.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
