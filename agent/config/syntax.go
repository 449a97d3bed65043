package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// remedies say what would be right, by a piece of the parser's message.
var remedies = []struct{ message, want string }{
	{"start of value", `a value: text in "quotes", a whole number, true, false or a [list]`},
	{"expected keyword", `a value: text in "quotes", a whole number, true, false or a [list]`},
	{"expected value", `a value: text in "quotes", a whole number, true, false or a [list]`},
	{"must be quoted", `text in "quotes"`},
	{"expected '='", "key = value"},
	{"expected newline", "one key = value a line"},
	{"start of key", "key = value, a [table] or a # comment"},
	{"expected key", "key = value"},
	{"new lines", "a closing quote in the same line"},
	{"unterminated", "a closing quote"},
	{"not terminated", "the three closing quotes"},
	{"escape", `an escape such as \n or \\, or 'single quotes', which take every \ as it stands`},
	{"need a character after", `an escape such as \n or \\, or 'single quotes', which take every \ as it stands`},
	{"close table name", "[table]"},
	{"close array table name", "[[table]]"},
	{"nested more", "a flat value"},
	{"array", "commas between the values of a list and a closing ]"},
	{"inline table", "key = value pairs with commas between them and a closing }"},
	{"digit", "a whole number"},
	{"number", "a whole number"},
	{"integers", "a whole number"},
	{"carriage return", "lines that end in a newline"},
	{"control characters", "text without control characters"},
}

// syntax reports where the file stops being TOML, and marks the table that it
// breaks off in: what that table says may go on behind the error.
func (r *reader) syntax(b *builder, err error) {
	r.cut = true
	data := b.data
	start := next(data, b.end)
	if start >= len(data) || data[start] != '[' {
		b.cur.cut = true
	}
	at, message := len(data), err.Error()
	if pe, ok := errors.AsType[*unstable.ParserError](err); ok {
		at = cap(data) - cap(pe.Highlight)
	}
	line := b.lines.at(min(max(at, 0), max(len(data)-1, 0)))
	if first := b.lines.at(min(start, max(len(data)-1, 0))); first < line {
		message += fmt.Sprintf(" (what begins in line %d is not finished)", first)
	}
	want := "TOML"
	for _, m := range remedies {
		if strings.Contains(message, m.message) {
			want = m.want
			break
		}
	}
	r.faultAt(line, "syntax", want, message)
}

// next is where the expression after the one that ended at offset begins.
func next(data []byte, offset int) int {
	for offset < len(data) {
		switch data[offset] {
		case ' ', '\t', '\r', '\n':
			offset++
		case '#':
			n := bytes.IndexByte(data[offset:], '\n')
			if n < 0 {
				return len(data)
			}
			offset += n
		default:
			return offset
		}
	}
	return offset
}
