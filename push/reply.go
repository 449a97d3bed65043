package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"longarm/push/jsontext"
)

// ErrIdle says that a poll ended without a call. It is no fault.
var ErrIdle = errors.New("no call")

// ErrNoEnvelope says that a body is not the envelope of protocol.md 2: not a
// JSON object, cut short, or without "success". Something that is no push
// service answered; check the URL.
var ErrNoEnvelope = errors.New("reply is no push envelope")

// Reply is the envelope of every answer (protocol.md 2).
type Reply struct {
	Success bool
	Message string
	// Data is JSON, or nil when the envelope has none; "null" reads as nil.
	Data json.RawMessage
}

// Idle is the answer to a poll that ends without a call.
func Idle() Reply { return Reply{Message: "no message"} }

// Append appends the envelope in its pinned key order: success, message, and
// data unless that is nil. Data that is not JSON is left out, so that the
// envelope is whole in any case.
func (r Reply) Append(dst []byte) []byte {
	dst = append(dst, `{"success":`...)
	dst = appendBool(dst, r.Success)
	dst = append(dst, `,"message":`...)
	dst = jsontext.AppendString(dst, r.Message)
	if !absent(r.Data) && jsontext.Valid(r.Data) {
		dst = append(dst, `,"data":`...)
		dst = append(dst, r.Data...)
	}
	return append(dst, '}')
}

type looseReply struct {
	Success, Message, Data json.RawMessage
}

// read takes an envelope's members; they may be of any type.
func (l *looseReply) read(text []byte) error {
	return fill(text, []string{"success", "message", "data"}, &l.Success, &l.Message, &l.Data)
}

// ParseReply reads an envelope. The message may be null, a string, an array
// (its members are joined with ", ") or missing. A body that is no envelope
// gives [ErrNoEnvelope].
func ParseReply(body []byte) (Reply, error) {
	loose, err := parseObject(body)
	if err != nil {
		return Reply{}, err
	}
	success, ok := looseBool(loose.Success)
	if !ok {
		return Reply{}, fmt.Errorf("%w: no success in it", ErrNoEnvelope)
	}
	return loose.reply(success), nil
}

func parseObject(body []byte) (looseReply, error) {
	var loose looseReply
	switch {
	case len(body) == 0:
		return loose, fmt.Errorf("%w: it is empty", ErrNoEnvelope)
	case !object(body):
		return loose, fmt.Errorf("%w: it is no JSON object", ErrNoEnvelope)
	}
	if err := loose.read(body); err != nil {
		return loose, fmt.Errorf("%w: %w", ErrNoEnvelope, err)
	}
	return loose, nil
}

func (l looseReply) reply(success bool) Reply {
	r := Reply{Success: success, Message: looseText(l.Message)}
	if !absent(l.Data) {
		r.Data = l.Data
	}
	return r
}

// Refusal is an answered error: a status other than 200 and 204, or an
// envelope that says no where yes was needed.
type Refusal struct {
	// Status is the HTTP status.
	Status int
	// Message is the envelope's, or "" when there was no envelope.
	Message string
	// RetryAfter is what the service asked for; 0 when it did not.
	RetryAfter time.Duration
}

// Error names the status and, when there is one, the service's sentence.
func (r *Refusal) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("service answered %d%s", r.Status, meaning(r.Status))
	}
	return fmt.Sprintf("service answered %d: %s", r.Status, r.Message)
}

func meaning(status int) string {
	switch status {
	case 401:
		return " (no or wrong key)"
	case 403:
		return " (a key for another container)"
	case 404:
		return " (unknown container, or a wrong url)"
	case 413:
		return " (body over 64 KiB)"
	case 429:
		return " (too many requests)"
	case 503:
		return " (not available, for instance draining)"
	}
	return ""
}
