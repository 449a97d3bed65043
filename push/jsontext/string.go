package jsontext

import (
	"unicode/utf16"
	"unicode/utf8"
)

// String decodes a value that is a string; ok is false when it is something else. Bytes that
// are not UTF-8, and half surrogate pairs, become U+FFFD.
func String(value []byte) (text string, ok bool) {
	if len(value) == 0 || value[0] != '"' || !Valid(value) {
		return "", false
	}
	return decoded(value), true
}

// decoded is the text of a string that the scanner has gone over; what follows its closing
// quote does not count.
func decoded(raw []byte) string {
	raw = raw[1:]
	text := make([]byte, 0, len(raw))
	for raw[0] != '"' {
		if raw[0] != '\\' {
			r, n := utf8.DecodeRune(raw)
			text, raw = utf8.AppendRune(text, r), raw[n:]
			continue
		}
		if raw[1] != 'u' {
			text, raw = append(text, unescaped(raw[1])), raw[2:]
			continue
		}
		r := unit(raw)
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			pair := utf16.DecodeRune(r, unit(raw))
			if pair != utf8.RuneError {
				raw = raw[6:]
			}
			r = pair
		}
		text = utf8.AppendRune(text, r)
	}
	return string(text)
}

// unit is the number of a \uXXXX that raw begins with; -1 when it begins with none.
func unit(raw []byte) (r rune) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	for _, c := range raw[2:6] {
		r = r<<4 | rune(hex(c))
	}
	return r
}

// hex is the value of a hex digit; -1 for anything else.
func hex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unescaped is the byte that \c stands for; 0 when there is no such escape.
func unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}
