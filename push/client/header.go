package client

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"longarm/push"
)

// header is what we use of a reply's header.
type header struct {
	length     int64 // Content-Length; -1 when there is none
	chunked    bool  // Transfer-Encoding: chunked
	connection string
	location   string
	date       string
	retryAfter string
	service    string // x-longarm
	media      string // Content-Type
	encodings  int    // how many Transfer-Encoding lines there were
}

// parseHeader reads lines that end with LF. Names must be tokens and values
// free of control characters (RFC 9110, section 5).
func parseHeader(block []byte) (header, error) {
	h := header{length: -1}
	for line := range bytes.Lines(block) {
		name, value, ok := bytes.Cut(bytes.Trim(line, " \t\n"), []byte(":"))
		if !ok || !token(name) || !printable(value) {
			return h, fmt.Errorf("%w: header line %q is malformed", ErrBadReply, line[:min(len(line), 40)])
		}
		if err := h.set(string(name), strings.Trim(string(value), " \t")); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *header) set(name, value string) error {
	switch strings.ToLower(name) {
	case "content-length":
		return h.setLength(value)
	case "transfer-encoding":
		h.encodings++
		h.chunked = true
		if h.encodings > 1 || !strings.EqualFold(value, "chunked") {
			return fmt.Errorf("%w: transfer encoding %q is not supported", ErrBadReply, value[:min(len(value), 40)])
		}
	case "trailer":
		for name := range strings.SplitSeq(strings.ToLower(value), ",") {
			switch strings.TrimSpace(name) {
			case "content-length", "transfer-encoding", "trailer":
				return fmt.Errorf("%w: a forbidden trailer is announced", ErrBadReply)
			}
		}
	case "connection":
		h.connection += "," + value
	case "location":
		h.location = value
	case "date":
		h.date = value
	case "retry-after":
		h.retryAfter = value
	case push.HeaderService:
		h.service = value
	case "content-type":
		h.media = value
	}
	return nil
}

// setLength refuses lengths that differ: the shorter one would let the rest of
// the body pass as the next reply.
func (h *header) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return fmt.Errorf("%w: content length %q is no number", ErrBadReply, value[:min(len(value), 40)])
	}
	if h.length >= 0 && h.length != int64(n) {
		return fmt.Errorf("%w: it has two content lengths", ErrBadReply)
	}
	h.length = int64(n)
	return nil
}

// persists reports whether the connection stays open after the reply.
func (h *header) persists(minor byte) bool {
	stay := minor > '0'
	for option := range strings.SplitSeq(strings.ToLower(h.connection), ",") {
		switch strings.TrimSpace(option) {
		case "close":
			return false
		case "keep-alive":
			stay = true
		}
	}
	return stay
}

// retry reads Retry-After: seconds, or a date that now is compared with. What
// can't be read is 0.
func (h *header) retry(now time.Time) time.Duration {
	if n, err := strconv.ParseUint(h.retryAfter, 10, 32); err == nil {
		return time.Duration(n) * time.Second
	}
	at, ok := httpDate(h.retryAfter)
	if !ok {
		return 0
	}
	if date, ok := httpDate(h.date); ok {
		now = date // both are the service's clock, whatever ours says
	}
	return max(0, at.Sub(now))
}

// httpDate reads the one date form that a sender may use today (RFC 9110,
// section 5.6.7).
func httpDate(s string) (time.Time, bool) {
	t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", s)
	return t, err == nil
}

func token(name []byte) bool {
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', digit(c), strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return len(name) > 0
}

func printable(value []byte) bool {
	for _, c := range value {
		if (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
