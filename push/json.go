package push

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"longarm/push/jsontext"
)

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
	if s, ok := jsontext.String(raw); ok {
		return s
	}
	if list, err := jsontext.Elements(raw); err == nil {
		return joinTexts(list)
	}
	return compact(raw)
}

// compact is JSON without spaces; "" when it is none.
func compact(raw json.RawMessage) string {
	b, _ := jsontext.AppendCompact(nil, raw)
	return string(b)
}

func joinTexts(list [][]byte) string {
	parts := make([]string, 0, len(list))
	for _, m := range list {
		s, ok := jsontext.String(m)
		if !ok {
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
		return compact(raw)
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

// fill reads the members of an object that have these names into fields. As in encoding/json
// a name counts in any case, the last member of a name counts, and others are passed over.
func fill(text []byte, names []string, fields ...*json.RawMessage) error {
	members, err := jsontext.Members(text)
	if err != nil {
		return err
	}
	for _, m := range members {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, m.Key) }); i >= 0 {
			*fields[i] = slices.Clone(m.Value) // the text may be in a buffer that is used again
		}
	}
	return nil
}
