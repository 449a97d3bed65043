package main

import (
	"io"
	"os"
	"strings"
	"unicode"
)

// Colours, as SGR parameters (ECMA-48, section 8.3.117).
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	magenta = "35"
)

// painter colours text, or leaves it as it is.
type painter bool

// painter is on for a terminal that did not ask to be spared (NO_COLOR).
func (c command) painter(w io.Writer) painter {
	f, ok := w.(*os.File)
	if !ok || c.env("NO_COLOR") != "" || c.env("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p painter) paint(colour, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// stateColours of calls and of containers.
var stateColours = map[string]string{
	"succeeded": green, "online": green,
	"failed": red, "expired": red, "cancelled": red, "offline": red,
	"unanswered": yellow, "unknown": yellow, "late": yellow, "new": dim, "queued": dim,
	"signed-off": magenta,
}

// state colours the name of a state.
func (p painter) state(s string) string {
	if colour, ok := stateColours[s]; ok {
		return p.paint(colour, s)
	}
	return s
}

// clean makes text from afar fit for a terminal: what could move the cursor or
// change the screen becomes a replacement character.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
