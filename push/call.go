package push

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"longarm/push/jsontext"
)

// Call is one remote call as it crosses the wire (protocol.md 3).
type Call struct {
	// RootContainerID is the container that polls; ContainerID the one that
	// the call is for, which acknowledgement and result name.
	RootContainerID, ContainerID string
	// SenderID is who triggered it; an operator's click repeats ContainerID.
	SenderID string
	// MessageID names the call; never empty in a call.
	MessageID string
	// Control is "" in our calls.
	Control string
	// Data is the button's payload, for instance "router cycle 10s", as it
	// came: it may hold any characters.
	Data string
	// TTL is the remaining life at receipt; 0 means that the service did not
	// say, as foreign services do.
	TTL time.Duration
}

// crashesForeignClient is the control value that ends one official client
// (protocol.md 3); it is never sent.
const crashesForeignClient = "REMOTE_ACTION"

// AppendReply appends the poll reply that delivers the call: the six fields,
// always strings, in their pinned order, then "ttlMs" if TTL is above 0. The
// control value REMOTE_ACTION is sent as "".
func (c Call) AppendReply(dst []byte) []byte {
	if strings.EqualFold(c.Control, crashesForeignClient) {
		c.Control = ""
	}
	dst = append(dst, `{"success":true,"message":"","data":{"rootContainerId":`...)
	dst = jsontext.AppendString(dst, c.RootContainerID)
	dst = append(dst, `,"containerId":`...)
	dst = jsontext.AppendString(dst, c.ContainerID)
	dst = append(dst, `,"senderId":`...)
	dst = jsontext.AppendString(dst, c.SenderID)
	dst = append(dst, `,"messageId":`...)
	dst = jsontext.AppendString(dst, c.MessageID)
	dst = append(dst, `,"control":`...)
	dst = jsontext.AppendString(dst, c.Control)
	dst = append(dst, `,"data":`...)
	dst = jsontext.AppendString(dst, c.Data)
	if c.TTL > 0 {
		dst = append(dst, `,"ttlMs":`...)
		dst = strconv.AppendInt(dst, c.TTL.Milliseconds(), 10)
	}
	return append(dst, "}}"...)
}

type looseCall struct {
	RootContainerID, ContainerID, SenderID, MessageID, Control, Data, TTLMs json.RawMessage
}

// read takes a call's members; they may be of any type.
func (l *looseCall) read(text []byte) error {
	return fill(text, []string{"rootContainerId", "containerId", "senderId", "messageId", "control", "data", "ttlMs"},
		&l.RootContainerID, &l.ContainerID, &l.SenderID, &l.MessageID, &l.Control, &l.Data, &l.TTLMs)
}

// ParsePoll reads the reply to a poll. It gives ok for a call, ok=false
// without an error for idle, and an error for everything that is neither: a
// [*Refusal] for another status than 200 and 204, [ErrNoEnvelope] for a 200
// whose body is no JSON object.
//
// A call is a 200 with success:true and a messageId; any other object is idle
// (protocol.md 3). The payload may be a string or any JSON, which then stays
// JSON text; when it is empty, the third "|"-part of the message stands in.
//
// ttlMs never makes a call immortal: 0 and less is a life of 1 ns, which is
// over before anything can move; more than [MaxTTL] is MaxTTL; what is no
// number is [DefaultTTL]; missing or null is 0, "not said".
func ParsePoll(status int, body []byte) (c Call, ok bool, err error) {
	switch {
	case status == 204:
		return Call{}, false, nil
	case status != 200:
		return Call{}, false, refusal(status, body)
	case len(body) == 0:
		return Call{}, false, nil
	}
	if c, ok := quickCall(body); ok {
		return c, true, nil
	}
	return carefulCall(body)
}

// carefulCall reads a poll's reply of whatever service; see [ParsePoll].
func carefulCall(body []byte) (c Call, ok bool, err error) {
	loose, err := parseObject(body)
	if err != nil {
		return Call{}, false, err
	}
	var call looseCall
	success, _ := looseBool(loose.Success)
	if !success || !object(loose.Data) || call.read(loose.Data) != nil {
		return Call{}, false, nil
	}
	c = call.call(looseText(loose.Message))
	if c.MessageID == "" {
		return Call{}, false, nil
	}
	return c, true, nil
}

func refusal(status int, body []byte) *Refusal {
	r, err := ParseReply(body)
	if err != nil {
		return &Refusal{Status: status}
	}
	return &Refusal{Status: status, Message: r.Message}
}

func (l looseCall) call(message string) Call {
	c := Call{
		RootContainerID: looseID(l.RootContainerID),
		ContainerID:     looseID(l.ContainerID),
		SenderID:        looseID(l.SenderID),
		MessageID:       looseID(l.MessageID),
		Control:         looseText(l.Control),
		Data:            payloadText(l.Data),
		TTL:             life(l.TTLMs),
	}
	if c.Data == "" {
		if parts := strings.Split(message, "|"); len(parts) >= 3 {
			c.Data = parts[2]
		}
	}
	return c
}

// life reads ttlMs; see [ParsePoll].
func life(raw json.RawMessage) time.Duration {
	if absent(raw) {
		return 0
	}
	ms, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	switch {
	case math.IsNaN(ms) || (err != nil && !math.IsInf(ms, 0)):
		return DefaultTTL
	case ms < 1:
		return time.Nanosecond
	case ms > float64(MaxTTL.Milliseconds()):
		return MaxTTL
	}
	return time.Duration(ms) * time.Millisecond
}
