package jsontext

import (
	"bytes"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Unlike encoding/json it leaves "<>&" alone, which
// small foreign parsers read more surely. Bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s { // a bad byte ranges as utf8.RuneError
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < 0x20 || r == 0x7f || r == 0x2028 || r == 0x2029:
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// AppendKey begins the next member of an object, whose "{" stands in dst already: the comma
// that it needs, the key and the colon. Its value is to follow.
func AppendKey(dst []byte, key string) []byte {
	return append(AppendString(AppendComma(dst), key), ':')
}

// AppendComma begins the next element of an array or member of an object: a comma, unless
// it is the first.
func AppendComma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		dst = append(dst, ',')
	}
	return dst
}

// AppendCompact appends a text without the spaces between its parts; ok is false, and
// nothing is appended, when it is no JSON.
func AppendCompact(dst, text []byte) (_ []byte, ok bool) {
	if !Valid(text) {
		return dst, false
	}
	quoted, escaped := false, false
	for _, c := range text {
		if c == '"' && !escaped {
			quoted = !quoted
		}
		escaped = c == '\\' && !escaped
		if quoted || bytes.IndexByte([]byte(" \t\r\n"), c) < 0 {
			dst = append(dst, c)
		}
	}
	return dst, true
}
