package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// show prints the steps that d took and that were not printed yet, each
// with the time since the call was queued.
func (f *follower) show(d callDoc) {
	steps := []struct {
		name string
		at   time.Time
	}{{"queued", d.At.Queued}, {"delivered", d.At.Delivered}, {"acknowledged", d.At.Acknowledged}}
	for _, s := range steps[min(f.steps, len(steps)):] {
		if s.at.IsZero() {
			break
		}
		f.steps++
		f.step(s.name, s.at.Sub(d.At.Queued), "")
	}
	if d.State == "unanswered" && !f.silent {
		f.silent = true
		f.step(d.State, max(time.Since(d.At.Queued), 0), "the box went silent; a late answer still counts")
	}
}

func (f *follower) step(state string, since time.Duration, more string) {
	if more != "" {
		more = ": " + more
	}
	fmt.Fprintf(f.c.stdout, "%9s  %s%s\n", span(max(since, 0)), f.p.state(state), more)
}

// verdict prints the outcome and returns its exit code.
func (f *follower) verdict(wait time.Duration) int {
	d := f.doc
	code := exitUnknown
	switch d.State {
	case "succeeded":
		code = exitDone
	case "failed", "expired", "cancelled":
		code = exitRefused
	}
	if f.json {
		if written := f.c.json(f.raw); written != exitDone {
			return written
		}
		return code
	}
	if !final(d.State) {
		fmt.Fprintf(f.c.stdout, "no answer within %s, the call is %s: look before you repeat it\n", span(wait), f.p.state(d.State))
		return code
	}
	f.step(d.State, d.At.Closed.Sub(d.At.Queued), f.why(d))
	if line := answerLine(d); line != "" {
		fmt.Fprintf(f.c.stdout, "%9s  %s\n", "", line)
	}
	return code
}

// why says in words how the call ended.
func (f *follower) why(d callDoc) string {
	var said string
	if d.Result != nil {
		said = clean(d.Result.Message)
	}
	switch d.State {
	case "expired":
		said = first(said, f.expired(d))
	case "cancelled":
		said = first(said, "taken back before it was delivered")
	case "unknown":
		said = strings.TrimPrefix(said+"; nobody knows whether it moved: look before you repeat it", "; ")
	}
	if d.Late {
		said += " (the answer came late)"
	}
	return strings.TrimSpace(said)
}

// expired says how far a call came that nobody acknowledged within its life
// (protocol.md 5). One that was delivered is in the box's hands.
func (f *follower) expired(d callDoc) string {
	if d.At.Delivered.IsZero() {
		return fmt.Sprintf("nobody fetched it within %s", span(f.ttl))
	}
	return fmt.Sprintf("delivered after %s but not acknowledged within %s: it should not act on it any more, look before you click again",
		span(max(d.At.Delivered.Sub(d.At.Queued), 0)), span(f.ttl))
}

// answerLine is what our agent reports of the move, in words; "" for a foreign
// device's answer.
func answerLine(d callDoc) string {
	var a answer
	if d.Result == nil || json.Unmarshal(d.Result.Data, &a) != nil || a.Target == "" {
		return ""
	}
	parts := []string{clean(a.Target + " " + a.Verb)}
	if a.Load != "" {
		line := "inactive"
		if a.Active {
			line = "active"
		}
		parts = append(parts, "load "+clean(a.Load)+" (line "+line+")")
	}
	if a.Proof != "" {
		parts = append(parts, "proof: "+clean(a.Proof))
	}
	var edges []string
	for _, e := range a.Edges {
		level := "inactive"
		if e.Active {
			level = "active"
		}
		edges = append(edges, fmt.Sprintf("%s at %d ms", level, e.AtMS))
	}
	if len(edges) > 0 {
		parts = append(parts, strings.Join(edges, ", "))
	}
	if a.TookMS > 0 {
		parts = append(parts, "took "+span(time.Duration(a.TookMS)*time.Millisecond))
	}
	if detail := clean(a.Detail); detail != "" && (d.Result.Message == "" || !strings.Contains(clean(d.Result.Message), detail)) {
		parts = append(parts, detail)
	}
	return strings.Join(parts, ", ")
}
