package push

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// EqualID reports whether two ids are the same; case does not count
// (protocol.md 1).
func EqualID(a, b string) bool { return strings.EqualFold(a, b) }

// NewID returns a random version 4 UUID (RFC 9562, section 5.4) in lower case.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails; see its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := make([]byte, 0, 36)
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			s = append(s, '-')
		}
		s = hex.AppendEncode(s, part)
	}
	return string(s)
}
