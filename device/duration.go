package device

import (
	"fmt"
	"strings"
	"time"
)

// shortest is the least duration that a command may ask for.
const shortest = time.Millisecond

// parseDuration reads a duration of a command, such as "500ms", "10s", "5m" or
// "1m30s": digits and units only, at least 1 ms and at most most. The error
// names what it is for and the bound.
func parseDuration(what, s string, most time.Duration) (time.Duration, error) {
	refused := func(why string) (time.Duration, error) {
		return 0, fmt.Errorf("%s %s %s: want %s to %s, such as 500ms, 10s or 5m", what, quote(s), why, shortest, words(most))
	}
	switch {
	case s == "" || strings.Trim(s, "0123456789.hms") != "":
		return refused("is not a duration")
	case strings.Trim(s, "0123456789.") == "":
		return refused("has no unit")
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && overflows(s):
		return refused("is too long")
	case err != nil:
		return refused("is not a duration")
	case d < shortest:
		return refused("is too short")
	case d > most:
		return refused("is too long")
	}
	return d, nil
}

// overflows says of what time.ParseDuration refused that it is one whole number
// with a unit.
func overflows(s string) bool {
	number := strings.TrimRight(s, "hms")
	switch s[len(number):] {
	case "h", "m", "s", "ms":
		return number != "" && strings.Trim(number, "0123456789") == ""
	}
	return false
}

// words writes a duration without the zero parts that Duration.String adds.
func words(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
