package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// idLimit bounds an id, in bytes: the last [Remembered] are kept in memory.
const idLimit = 256

// fold maps ids that differ only in case to one key, as strings.EqualFold
// does: each rune becomes the smallest of those that fold to it.
func fold(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r < utf8.RuneSelf:
			return r
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, id)
}

func checkID(what, id string) error {
	if len(id) > idLimit {
		return fmt.Errorf("%s id of %d bytes, want at most %d", what, len(id), idLimit)
	}
	return nil
}

// digest tells contents apart: container without case, and data.
type digest [16]byte

func (r Received) digest() digest {
	h := sha256.New()
	fmt.Fprintf(h, "%q %s", fold(r.Container), r.Data)
	return digest(h.Sum(nil)[:16])
}

// MarshalText writes a digest as hex.
func (d digest) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *digest) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(d) {
		return fmt.Errorf("digest of %d digits, want %d", len(text), hex.EncodedLen(len(d)))
	}
	_, err := hex.Decode(d[:], text)
	return err
}
