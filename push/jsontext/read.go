// Package jsontext reads and writes JSON text (RFC 8259) without reflection: it takes
// bytes and gives their parts as they stand, and appends parts to bytes. It decides nothing
// about what they mean, never changes what it reads, and takes and refuses the texts that
// encoding/json takes and refuses, which would cost the agent 170 KB.
package jsontext

import (
	"bytes"
	"fmt"
)

// maxDepth is how deep objects and arrays may be nested, as in encoding/json.
const maxDepth = 10000

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int // in bytes, from 0
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("no JSON at byte %d: %s", e.Offset, e.What) }

// Member is one member of an object: its key decoded, its value as it stands, without the
// spaces around it.
type Member struct {
	Key   string
	Value []byte
}

// Valid reports whether text is one JSON value with nothing but spaces around it.
func Valid(text []byte) bool { return whole(text, nil) == nil }

// Members are the members of an object, in their order, one for each time that a key
// stands there. The error is a [*SyntaxError], also for what is no object.
func Members(text []byte) (all []Member, err error) {
	err = whole(text, func(key, value []byte) { all = append(all, Member{decoded(key), value}) }, '{')
	return all, err
}

// Elements are the elements of an array, as they stand, without the spaces around them. The
// error is a [*SyntaxError], also for what is no array.
func Elements(text []byte) (all [][]byte, err error) {
	err = whole(text, func(_, value []byte) { all = append(all, value) }, '[')
	return all, err
}

// whole reads a text that is one value, and begins with one of these. each is told its
// parts.
func whole(text []byte, each func(key, value []byte), begins ...byte) error {
	s := scanner{text: text}
	s.spaces()
	if len(begins) > 0 && s.peek() != begins[0] {
		s.fail("want " + string(begins))
	}
	s.value(each)
	s.spaces()
	if s.err == nil && s.at < len(text) {
		s.fail("it goes on after the value")
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// scanner goes through a text once; after an error it stands.
type scanner struct {
	text  []byte
	at    int
	depth int
	err   *SyntaxError
}

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = &SyntaxError{s.at, what}
	}
}

// peek is the next byte; 0, which begins nothing, at the end or after an error.
func (s *scanner) peek() byte {
	if s.err != nil || s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) spaces() {
	for s.at < len(s.text) && bytes.IndexByte([]byte(" \t\r\n"), s.text[s.at]) >= 0 {
		s.at++
	}
}

// take goes over c.
func (s *scanner) take(c byte) {
	if s.peek() != c {
		s.fail("want " + string(c))
		return
	}
	s.at++
}

// value goes over one value.
func (s *scanner) value(each func(key, value []byte)) {
	switch c := s.peek(); {
	case c == '{':
		s.parts('}', each)
	case c == '[':
		s.parts(']', each)
	case c == '"':
		s.string()
	case c == '-' || digit(c):
		s.number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.fail("want a value")
	}
}

// parts goes over an object or array that ends with end.
func (s *scanner) parts(end byte, each func(key, value []byte)) {
	if s.depth++; s.depth > maxDepth {
		s.fail("nested too deep")
	}
	s.at++
	s.spaces()
	for first := true; s.err == nil && (s.peek() != end || !first); first = false {
		s.part(end == '}', each)
		if s.peek() == end {
			break
		}
		s.take(',')
		s.spaces()
	}
	s.take(end)
	s.depth--
}

func (s *scanner) part(keyed bool, each func(key, value []byte)) {
	key := s.at
	if keyed {
		s.string()
		s.spaces()
		s.take(':')
		s.spaces()
	}
	value := s.at
	s.value(nil)
	if s.err == nil && each != nil {
		each(s.text[key:value], s.text[value:s.at])
	}
	s.spaces()
}

// string goes over a string. What is no UTF-8 is let through, as encoding/json does.
func (s *scanner) string() {
	s.take('"')
	for s.err == nil {
		switch c := s.peek(); {
		case s.at >= len(s.text):
			s.fail("a string has no end")
		case c < 0x20:
			s.fail("a string with a control character in it")
		case c == '\\':
			s.escape()
		case c == '"':
			s.at++
			return
		default:
			s.at++
		}
	}
}

func (s *scanner) escape() {
	s.at++
	switch c := s.peek(); {
	case c == 'u':
		s.at++
		for range 4 {
			if hex(s.peek()) < 0 {
				s.fail(`want four hex digits after \u`)
				return
			}
			s.at++
		}
	case unescaped(c) != 0:
		s.at++
	default:
		s.fail(`want one of "\/bfnrtu after \`)
	}
}

func (s *scanner) number() {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else {
		s.digits()
	}
	if s.peek() == '.' {
		s.at++
		s.digits()
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		s.digits()
	}
}

func (s *scanner) digits() {
	if !digit(s.peek()) {
		s.fail("want a digit")
	}
	for digit(s.peek()) {
		s.at++
	}
}

func (s *scanner) word(w string) {
	if !bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		s.fail("want " + w)
		return
	}
	s.at += len(w)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
