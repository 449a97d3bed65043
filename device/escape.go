package device

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown bounds how much of a reply a sentence shows, in bytes.
const maxShown = 1024

// Unescape turns the text of an exchange into bytes: \r \n \t \xHH \\ stand for
// one byte each, everything else for itself. The error says which escape is none.
func Unescape(text string) ([]byte, error) {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		rest := text[i+1:]
		switch {
		case strings.HasPrefix(rest, "r"):
			out = append(out, '\r')
		case strings.HasPrefix(rest, "n"):
			out = append(out, '\n')
		case strings.HasPrefix(rest, "t"):
			out = append(out, '\t')
		case strings.HasPrefix(rest, `\`):
			out = append(out, '\\')
		default:
			b, err := strconv.ParseUint(hexDigits(rest), 16, 8)
			if err != nil {
				return nil, fmt.Errorf(`escape %s: want \r, \n, \t, \xHH or \\`, quote(text[i:min(len(text), i+4)]))
			}
			out = append(out, byte(b))
			i += 2
		}
		i++
	}
	return out, nil
}

// hexDigits are the HH of xHH, else nothing that is a number.
func hexDigits(s string) string {
	if len(s) < 3 || s[0] != 'x' || strings.Trim(s[1:3], "0123456789abcdefABCDEF") != "" {
		return ""
	}
	return s[1:3]
}

// Pattern reads the pattern of a reply: a regular expression of package regexp
// over bytes, where \xHH is one byte and "." any but \n. A reply is whole as
// soon as it fits, so a pattern should name how the reply ends.
func Pattern(expect string) (*regexp.Regexp, error) { return regexp.Compile(expect) }

// printable shows bytes as Unescape reads them back: what is text stands as it is.
func printable(p []byte) string {
	var b strings.Builder
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r != utf8.RuneError && unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, c := range p[:n] {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		p = p[n:]
	}
	return b.String()
}

// cut shortens a text, and says so.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// named is the reply as data: the pattern's named groups, and the same as words
// for people; without such groups the words are the whole reply.
func (h *heard) named(pattern *regexp.Regexp) (values map[string]string, words string) {
	var said []string
	left := maxReply // groups may overlap
	if pattern != nil {
		for i, name := range pattern.SubexpNames() {
			if name == "" || h.match[2*i] < 0 {
				continue
			}
			raw := bytesOf(h.text[h.match[2*i]:h.match[2*i+1]])
			raw = raw[:min(len(raw), left)]
			left -= len(raw)
			if values == nil {
				values = map[string]string{}
			}
			values[name] = printable(raw)
			said = append(said, name+"="+values[name])
		}
	}
	if values == nil {
		return nil, cut(printable(h.raw), maxShown)
	}
	return values, cut(strings.Join(slices.Compact(said), " "), maxShown)
}

// bytesOf undoes heard.add.
func bytesOf(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		out = append(out, byte(r))
		text = text[n:]
	}
	return out
}

// simulated says that the device is a stand-in.
func (s *PortSpec) simulated() bool { return strings.HasPrefix(s.Device, "sim:") }
