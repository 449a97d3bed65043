package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"longarm/push/jsontext"
)

const (
	// MinTTL is the shortest life that the service gives to a call.
	MinTTL = time.Second
	// MaxRequestID bounds the id of a [CallRequest], in bytes.
	MaxRequestID = 255
)

// ErrNoCallRequest says that a body asks for no call; the sender gets the whole
// error's text.
var ErrNoCallRequest = errors.New("body asks for no call")

// CallRequest is how a container asks the service for a call to another one
// (protocol.md 6).
type CallRequest struct {
	// ID names the request, 1 to [MaxRequestID] bytes: the same one again gets
	// the same answer and makes no second call.
	ID string
	// Data is what the call will carry, as a button's data.
	Data string
	// TTL is the life of the call, [MinTTL] to [MaxTTL] in whole milliseconds;
	// 0 sends none, which is [DefaultTTL].
	TTL time.Duration
}

// Append appends the request as JSON, keys in the order id, data, ttlMs.
func (r CallRequest) Append(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsontext.AppendString(dst, r.ID)
	dst = append(dst, `,"data":`...)
	dst = jsontext.AppendString(dst, r.Data)
	if r.TTL > 0 {
		dst = append(dst, `,"ttlMs":`...)
		dst = strconv.AppendInt(dst, r.TTL.Milliseconds(), 10)
	}
	return append(dst, '}')
}

type looseRequest struct{ ID, Data, TTLMs json.RawMessage }

// ParseCallRequest reads a request in JSON or as a form, as [ParseResult] does.
// Data may be any JSON, which then stays JSON text. Without ttlMs, or with
// null, TTL is [DefaultTTL]. The error wraps [ErrNoCallRequest] and says what
// would be right.
func ParseCallRequest(contentType string, body []byte) (CallRequest, error) {
	var loose looseRequest
	media, _, _ := strings.Cut(contentType, ";")
	switch {
	case object(body):
		if err := fill(body, []string{"id", "data", "ttlMs"}, &loose.ID, &loose.Data, &loose.TTLMs); err != nil {
			return CallRequest{}, fmt.Errorf("%w: %w", ErrNoCallRequest, err)
		}
	case strings.EqualFold(strings.TrimSpace(media), "application/json") || len(body) == 0:
		return CallRequest{}, fmt.Errorf(`%w: want {"id":"…","data":"…","ttlMs":60000}`, ErrNoCallRequest)
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return CallRequest{}, fmt.Errorf("%w: neither JSON nor a form: %w", ErrNoCallRequest, err)
		}
		loose = looseRequest{ID: jsontext.AppendString(nil, form.Get("id")), Data: jsontext.AppendString(nil, form.Get("data")), TTLMs: json.RawMessage(form.Get("ttlMs"))}
	}
	return loose.request()
}

func (l looseRequest) request() (CallRequest, error) {
	r := CallRequest{ID: looseID(l.ID), Data: payloadText(l.Data), TTL: DefaultTTL}
	if r.ID == "" || len(r.ID) > MaxRequestID {
		return CallRequest{}, fmt.Errorf("%w: id: want a string of 1 to %d bytes, a new one for each call", ErrNoCallRequest, MaxRequestID)
	}
	if r.Data == "" {
		return CallRequest{}, fmt.Errorf(`%w: data: want what the button would say, a string like "router cycle 10s"`, ErrNoCallRequest)
	}
	if absent(l.TTLMs) {
		return r, nil
	}
	ms, err := strconv.ParseInt(strings.Trim(string(l.TTLMs), `"`), 10, 64)
	if err != nil || ms < MinTTL.Milliseconds() || ms > MaxTTL.Milliseconds() {
		return CallRequest{}, fmt.Errorf("%w: ttlMs: want whole milliseconds, %d to %d", ErrNoCallRequest, MinTTL.Milliseconds(), MaxTTL.Milliseconds())
	}
	r.TTL = time.Duration(ms) * time.Millisecond
	return r, nil
}

// CallTaken answers a [CallRequest]: the call exists under this message id.
func CallTaken(messageID string) Reply {
	data := append([]byte(nil), `{"messageId":`...)
	return Reply{Success: true, Data: append(jsontext.AppendString(data, messageID), '}')}
}

// MessageID is the message id in the data of the reply to a [CallRequest]; ""
// when it has none.
func (r Reply) MessageID() string {
	var id json.RawMessage
	if fill(r.Data, []string{"messageId"}, &id) != nil {
		return ""
	}
	return looseID(id)
}
