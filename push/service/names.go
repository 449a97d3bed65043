package service

import (
	"strings"
)

// token makes an id fit for a subject. Ids are compared without regard to case (protocol.md 1), so it folds them; what
// a subject cannot hold becomes "=" and two hex digits.
func token(id string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(id)) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func callSubject(container, id string) string { return "call." + token(container) + "." + token(id) }
func logSubject(container, id string) string  { return "log." + token(container) + "." + token(id) }
func containerSubject(id string) string       { return "container." + token(id) }
func nameSubject(name string) string          { return "name." + token(name) }
func stateSubject(id string) string           { return "state." + token(id) }
func authSubject(id string) string            { return "auth." + token(id) }

// lastToken is the end of a subject.
func lastToken(subject string) string {
	return subject[strings.LastIndexByte(subject, '.')+1:]
}
