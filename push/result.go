package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"longarm/push/jsontext"
)

// ErrNoResult says that a body is no result of protocol.md 1; the sender gets
// the whole error's text.
var ErrNoResult = errors.New("body is no result")

// Result closes a call (protocol.md 4).
type Result struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	// Data is an object when our agent sends it; a foreign client's may be
	// any JSON or missing, which is nil.
	Data json.RawMessage `json:"data"`
}

// Append appends the result as JSON, keys in the order success, message, data.
// Data that is nil or not JSON is sent as {}: we always send an object.
func (r Result) Append(dst []byte) []byte {
	dst = append(dst, `{"success":`...)
	dst = appendBool(dst, r.Success)
	dst = append(dst, `,"message":`...)
	dst = jsontext.AppendString(dst, r.Message)
	dst = append(dst, `,"data":`...)
	if absent(r.Data) || !jsontext.Valid(r.Data) {
		return append(dst, "{}}"...)
	}
	dst = append(dst, r.Data...)
	return append(dst, '}')
}

// ParseResult reads a result in JSON or as a form, with or without a
// Content-Type: a body that starts like a JSON object is read as one whatever
// the type says. In a form, data is JSON or a text, or comes as data[key]
// members of one level. Unknown fields are ignored. The error wraps
// [ErrNoResult] and says what would be right.
func ParseResult(contentType string, body []byte) (Result, error) {
	var loose looseReply
	media, _, _ := strings.Cut(contentType, ";")
	switch {
	case object(body):
		if err := loose.read(body); err != nil {
			return Result{}, fmt.Errorf("%w: %w", ErrNoResult, err)
		}
	case strings.EqualFold(strings.TrimSpace(media), "application/json") || len(body) == 0:
		return Result{}, fmt.Errorf(`%w: want {"success":true,"message":"…","data":{…}}`, ErrNoResult)
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return Result{}, fmt.Errorf("%w: neither JSON nor a form: %w", ErrNoResult, err)
		}
		loose = formReply(form)
	}
	success, ok := looseBool(loose.Success)
	if !ok {
		return Result{}, fmt.Errorf("%w: want success true or false", ErrNoResult)
	}
	return Result(loose.reply(success)), nil
}

func formReply(form url.Values) looseReply {
	var loose looseReply
	loose.Success = json.RawMessage(form.Get("success"))
	loose.Message = jsontext.AppendString(nil, form.Get("message"))
	switch data := form.Get("data"); {
	case jsontext.Valid([]byte(data)):
		loose.Data = json.RawMessage(data)
	case data != "":
		loose.Data = jsontext.AppendString(nil, data)
	default:
		loose.Data = formMembers(form)
	}
	return loose
}

// formMembers gathers data[key]=value into an object of strings, sorted.
func formMembers(form url.Values) json.RawMessage {
	var dst []byte
	for _, name := range slices.Sorted(maps.Keys(form)) {
		key, ok := strings.CutPrefix(name, "data[")
		if !ok || !strings.HasSuffix(key, "]") {
			continue
		}
		dst = append(dst, ',')
		dst = jsontext.AppendString(dst, strings.TrimSuffix(key, "]"))
		dst = append(dst, ':')
		dst = jsontext.AppendString(dst, form.Get(name))
	}
	if dst == nil {
		return nil
	}
	dst[0] = '{'
	return append(dst, '}')
}

// AppendAck appends the body of an acknowledgement (protocol.md 1).
func AppendAck(dst []byte, containerID, messageID string) []byte {
	dst = append(dst, `{"containerId":`...)
	dst = jsontext.AppendString(dst, containerID)
	dst = append(dst, `,"messageId":`...)
	dst = jsontext.AppendString(dst, messageID)
	return append(dst, '}')
}
