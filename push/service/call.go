package service

import (
	"encoding/json"
	"slices"
	"time"

	"longarm/push"
)

// State is where a call stands (design.md 6).
type State string

// The states of a call. All from Succeeded on are final; Unanswered ends a call only after a day.
const (
	Queued       State = "queued"
	Delivered    State = "delivered"
	Acknowledged State = "acknowledged"
	Unanswered   State = "unanswered"
	Succeeded    State = "succeeded"
	Failed       State = "failed"
	Unknown      State = "unknown"
	Expired      State = "expired"
	Cancelled    State = "cancelled"
)

// maxSteps bounds a call's history; the first step and the latest ones stay.
const maxSteps = 64

// call is the document of one call: in call.<container>.<id> while it is open, then in log.<container>.<id> for good.
type call struct {
	ID         string        `json:"id"`
	Container  string        `json:"container"`
	Data       string        `json:"data"`
	Sender     string        `json:"sender"`           // the name of the operator's token, or of the calling container
	Caller     string        `json:"caller,omitempty"` // id of the calling container; "" for an operator's call
	From       string        `json:"from"`             // the operator's or the container's address
	State      State         `json:"state"`
	Late       bool          `json:"late,omitempty"`
	Life       time.Duration `json:"life_ns"`
	Expires    time.Time     `json:"expires"` // wall clock, for a restart; while we run the monotonic one decides
	Lapsed     time.Time     `json:"lapsed,omitzero"`
	Deliveries int           `json:"deliveries"`
	Order      uint64        `json:"order,omitempty"` // revision of the first write; 0 in the first write itself
	Closed     bool          `json:"closed,omitempty"`
	Result     *push.Result  `json:"result,omitempty"`
	At         times         `json:"at"`
	History    []step        `json:"history"`

	rev uint64
}

type times struct {
	Queued       time.Time `json:"queued,omitzero"`
	Delivered    time.Time `json:"delivered,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Closed       time.Time `json:"closed,omitzero"`
}

// step is one change of state, for the audit.
type step struct {
	State State     `json:"state"`
	At    time.Time `json:"at"`
}

// move gives the call a new state and keeps the history.
func (c *call) move(to State) {
	now := time.Now().UTC()
	c.State = to
	if len(c.History) == maxSteps { // a long life and a client that never acknowledges
		c.History = slices.Delete(c.History, 1, 2)
	}
	c.History = append(c.History, step{State: to, At: now})
	switch to {
	case Queued:
		c.At.Delivered = time.Time{}
		if c.At.Queued.IsZero() {
			c.At.Queued = now
		}
	case Delivered:
		c.At.Delivered = now
		c.Deliveries++
	case Acknowledged:
		if c.At.Acknowledged.IsZero() {
			c.At.Acknowledged = now
		}
	case Unanswered:
		c.Lapsed = now
	default:
		c.close(now)
	}
}

// close ends the call in the state that it has.
func (c *call) close(now time.Time) {
	c.Closed = true
	c.At.Closed = now
}

// place is where the call stands in its container's queue.
func (c *call) place() uint64 {
	if c.Order != 0 {
		return c.Order
	}
	return c.rev
}

func (c *call) acknowledged() bool { return !c.At.Acknowledged.IsZero() }

// settled says that a waiting operator should be told now.
func (c *call) settled() bool { return c.Closed || c.State == Unanswered }

// callJSON is the call as the operator API shows it (design.md 6).
type callJSON struct {
	MessageID string       `json:"messageId"`
	Container string       `json:"container"`
	Data      string       `json:"data"`
	State     State        `json:"state"`
	Late      bool         `json:"late"`
	Sender    string       `json:"sender"`
	Caller    string       `json:"caller,omitempty"`
	Result    *push.Result `json:"result,omitempty"`
	At        stampsJSON   `json:"at"`
}

type stampsJSON struct {
	Queued       stamp `json:"queued,omitzero"`
	Delivered    stamp `json:"delivered,omitzero"`
	Acknowledged stamp `json:"acknowledged,omitzero"`
	Closed       stamp `json:"closed,omitzero"`
}

// stamp is a time in RFC 3339 with milliseconds, UTC.
type stamp struct{ time.Time }

// MarshalJSON writes the time with exactly three decimals.
func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func (c *call) view() callJSON {
	return callJSON{
		MessageID: c.ID, Container: c.Container, Data: c.Data, State: c.State, Late: c.Late, Sender: c.Sender, Caller: c.Caller, Result: c.Result,
		At: stampsJSON{stamp{c.At.Queued}, stamp{c.At.Delivered}, stamp{c.At.Acknowledged}, stamp{c.At.Closed}},
	}
}
