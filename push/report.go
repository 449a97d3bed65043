package push

import "longarm/push/jsontext"

// Report is the state that our agent sends to our service (protocol.md 6).
// It is what the page shows; losing it loses nothing.
type Report struct {
	Targets []TargetState `json:"targets"`
	Agent   AgentState    `json:"agent"`
}

// TargetState is one output, input, machine, port or group as the box sees it.
type TargetState struct {
	Name string `json:"name"`
	// Kind is "output", "input", "machine", "port" or "group".
	Kind string `json:"kind"`
	// Load is "on", "off" or "unknown"; Active speaks of the line.
	Load   string `json:"load"`
	Active bool   `json:"active"`
	// Proof is how sure that is: sent, acked, readback, sensed or sim.
	Proof  string `json:"proof"`
	Detail string `json:"detail"`
}

// AgentState is the agent itself.
type AgentState struct {
	Version string `json:"version"`
	// Started is in RFC 3339, or "" while the clock is not set.
	Started string `json:"started"`
	// Cause is why the last run ended: crash, watchdog, power, update, call.
	Cause string `json:"cause"`
	// Faults are the sentences of what is wrong; none is an empty list.
	Faults   []string `json:"faults"`
	Instance string   `json:"instance"`
	// Events are the newest calls that the box made by itself, oldest first;
	// the key is missing while there are none.
	Events []Event `json:"events,omitempty"`
}

// Event is a call that a trigger of the box made.
type Event struct {
	// At is in RFC 3339, or "" when the clock was not set or the agent has
	// restarted since.
	At string `json:"at"`
	// Trigger says what started it: "input door on", "offline 10m".
	Trigger string `json:"trigger"`
	// Call are the words of the call, State and Detail its outcome.
	Call   string `json:"call"`
	State  string `json:"state"`
	Detail string `json:"detail"`
}

// Append appends the report as JSON; lists that are nil are sent as empty.
func (r Report) Append(dst []byte) []byte {
	dst = append(dst, `{"targets":[`...)
	for _, t := range r.Targets {
		dst = t.append(jsontext.AppendComma(dst))
	}
	dst = append(dst, `],"agent":`...)
	return append(r.Agent.append(dst), '}')
}

func (t TargetState) append(dst []byte) []byte {
	dst = text(append(dst, '{'), "name", t.Name)
	dst = text(dst, "kind", t.Kind)
	dst = text(dst, "load", t.Load)
	dst = appendBool(jsontext.AppendKey(dst, "active"), t.Active)
	dst = text(dst, "proof", t.Proof)
	return append(text(dst, "detail", t.Detail), '}')
}

func (a AgentState) append(dst []byte) []byte {
	dst = text(append(dst, '{'), "version", a.Version)
	dst = text(dst, "started", a.Started)
	dst = text(dst, "cause", a.Cause)
	dst = append(jsontext.AppendKey(dst, "faults"), '[')
	for _, f := range a.Faults {
		dst = jsontext.AppendString(jsontext.AppendComma(dst), f)
	}
	dst = text(append(dst, ']'), "instance", a.Instance)
	if len(a.Events) > 0 {
		dst = append(jsontext.AppendKey(dst, "events"), '[')
		for _, e := range a.Events {
			dst = e.append(jsontext.AppendComma(dst))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (e Event) append(dst []byte) []byte {
	dst = text(append(dst, '{'), "at", e.At)
	dst = text(dst, "trigger", e.Trigger)
	dst = text(dst, "call", e.Call)
	dst = text(dst, "state", e.State)
	return append(text(dst, "detail", e.Detail), '}')
}

// text appends a member that is a text.
func text(dst []byte, key, value string) []byte {
	return jsontext.AppendString(jsontext.AppendKey(dst, key), value)
}
