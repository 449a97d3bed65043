package push

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Unlike encoding/json it leaves
// "<>&" alone, which small foreign parsers read more surely. Bytes that are
// not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
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

// appendBool appends true or false.
func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// absent reports whether a member was missing or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// looseText reads a text that should be a string: null and missing are "", a
// string is itself, an array is its members joined with ", ", and anything
// else is its JSON without spaces.
func looseText(raw json.RawMessage) string {
	if absent(raw) {
		return ""
	}
	if plain, ok := plainText(raw); ok {
		return plain
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []json.RawMessage
	if raw[0] == '[' && json.Unmarshal(raw, &list) == nil {
		return joinTexts(list)
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

func joinTexts(list []json.RawMessage) string {
	parts := make([]string, 0, len(list))
	for _, m := range list {
		var s string
		if m[0] != '"' || json.Unmarshal(m, &s) != nil {
			s = string(m) // one level is enough: an array in an array stays JSON
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// payloadText reads a call's payload: a string is itself, any other JSON is
// its text without spaces (protocol.md 3), so an array stays an array.
func payloadText(raw json.RawMessage) string {
	if !absent(raw) && raw[0] == '[' {
		var b bytes.Buffer
		if json.Compact(&b, raw) == nil {
			return b.String()
		}
	}
	return looseText(raw)
}

// plainText is the usual string, which needs no decoding: valid JSON without
// an escape. A call has six of them, and somebody waits.
func plainText(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw) {
		return "", false
	}
	return string(raw[1 : len(raw)-1]), true
}

// looseID reads an id: a string or a number; anything else is no id.
func looseID(raw json.RawMessage) string {
	if absent(raw) || raw[0] == '{' || raw[0] == '[' || raw[0] == 't' || raw[0] == 'f' {
		return ""
	}
	return looseText(raw)
}

// looseBool reads a truth that should be a bool; ok is false when it is none.
// Form bodies and careless clients send "true", "1" or 1.
func looseBool(raw json.RawMessage) (v, ok bool) {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// object reports whether body starts as a JSON object, so that a web page, an
// array or a bare word is told apart from a reply.
func object(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] == '{'
}
