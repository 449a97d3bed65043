package push

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"
)

// quickHead is how each delivery of our service starts, see Call.AppendReply.
var quickHead = []byte(`{"success":true,"message":"","data":{`)

// quickCall reads a call exactly as our service writes it, without escapes. It
// gives up, ok false, at the first byte that is anything else, and the careful
// way follows: somebody has clicked and waits, and that way takes longer than
// the rest of the decoding.
func quickCall(body []byte) (c Call, ok bool) {
	rest, ok := bytes.CutPrefix(body, quickHead)
	if !ok || !utf8.Valid(body) {
		return Call{}, false
	}
	for _, field := range [...]struct {
		key   string
		value *string
	}{
		{`"rootContainerId":"`, &c.RootContainerID}, {`,"containerId":"`, &c.ContainerID}, {`,"senderId":"`, &c.SenderID},
		{`,"messageId":"`, &c.MessageID}, {`,"control":"`, &c.Control}, {`,"data":"`, &c.Data},
	} {
		if len(rest) < len(field.key) || string(rest[:len(field.key)]) != field.key {
			return Call{}, false
		}
		rest = rest[len(field.key):]
		end := bytes.IndexByte(rest, '"')
		if end < 0 || !plain(rest[:end]) {
			return Call{}, false
		}
		*field.value = string(rest[:end])
		rest = rest[end+1:]
	}
	if c.TTL, rest, ok = quickLife(rest); !ok {
		return Call{}, false
	}
	return c, string(rest) == "}}" && c.MessageID != "" && c.Data != ""
}

// plain tells that no byte of a string needs decoding or is forbidden in JSON.
func plain(s []byte) bool {
	for _, b := range s {
		if b == '\\' || b < ' ' {
			return false
		}
	}
	return true
}

// quickLife reads ttlMs if it is there: 1 to 9 digits, not 0.
func quickLife(rest []byte) (ttl time.Duration, after []byte, ok bool) {
	digits, found := bytes.CutPrefix(rest, []byte(`,"ttlMs":`))
	if !found {
		return 0, rest, true
	}
	n := 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
		n++
	}
	ms, err := strconv.Atoi(string(digits[:n]))
	if err != nil || n > 9 || digits[0] == '0' {
		return 0, nil, false
	}
	return min(time.Duration(ms)*time.Millisecond, MaxTTL), digits[n:], true
}
