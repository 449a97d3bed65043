package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"longarm/push"
)

// scene is one thing to see.
type scene struct {
	title, more string
	play        func(ctx context.Context, s *show) error
}

// one is a scene of calls, each of which ends before the next begins.
func one(wishes ...wish) func(context.Context, *show) error {
	return func(ctx context.Context, s *show) error {
		for _, w := range wishes {
			if err := s.ask(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}
}

// scenes in the order in which they are played.
func scenes() []scene {
	return []scene{
		{"Restart the router", "load off, wait, on; it is wired to the NC contact, so active means off", one(wish{
			data: "router cycle 1s", state: "succeeded", answer: "done", load: "on", proof: "sim",
			edges: []string{"router active", "router inactive"}, apart: time.Second, good: "off for a second, on again, two edges"})},
		{"Switch a lamp", "", one(
			wish{data: "lamp on", state: "succeeded", answer: "done", load: "on", edges: []string{"lamp active"}},
			wish{data: "lamp on", state: "succeeded", answer: "done", load: "on", good: "said twice, moved once"},
			wish{data: "lamp off", state: "succeeded", answer: "done", load: "off", edges: []string{"lamp inactive"}})},
		{"Read an input, wait for it", "", wait},
		{"A lease", "answered at once; it ends by itself, also without network", lease},
		{"A pulse on a serial board", "LCUS: A0, channel, op, sum; FF asks for the states", pulse},
		{"What a board proves", "sent: the bytes went out; acked: the board took it; readback: asked afterwards, it shows it", proofsOfBoards},
		{"A busy target", "another call is refused, a move towards safe never is", busy},
		{"What it does not know", "refused with the words that would be right; nothing moves", one(
			wish{data: "router explode", state: "failed", answer: "refused", says: []string{"explode", "on, off"}},
			wish{data: "boiler on", state: "failed", answer: "refused", says: []string{"boiler", "router"}},
			wish{data: "router cycle 10y", state: "failed", answer: "refused", says: []string{"10y"}, good: "three sentences, no edge"})},
		{"Ask the agent itself", "", status},
		{"The power fails", "sign-off on the warm connection, outputs to safe", powerFails},
		{"The power is back", "on-line again without a restart", powerBack},
	}
}

// play plays all scenes with the agent on line.
func (s *show) play(ctx context.Context) error {
	for _, sc := range scenes() {
		s.t.head(sc.title, sc.more)
		if err := sc.play(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// nobodyThere: a call that no box fetches within its life.
func (s *show) nobodyThere(ctx context.Context) error {
	s.t.head("A call that nobody fetches", "its life is 1 s: the box will not act on it later")
	id, err := s.post(ctx, "lamp on", time.Second)
	if err != nil {
		return err
	}
	return s.ends(ctx, id, wish{data: "lamp on", state: "expired", good: "expired; the lamp stays as it is when the box comes"})
}

func lease(ctx context.Context, s *show) error {
	w := wish{data: "lamp on 1s", state: "succeeded", answer: "done", load: "on", edges: []string{"lamp active"}, good: "answered while the lamp is on"}
	if err := s.ask(ctx, w); err != nil {
		return err
	}
	start := s.mark - 1
	if err := s.edges(ctx, wish{data: "the end of the lease", edges: []string{"lamp inactive"}}); err != nil {
		return err
	}
	var first, last edgeSeen
	s.seen.look(func() { first, last = s.seen.edges[start], s.seen.edges[start+1] })
	gap := last.at.Sub(first.at)
	if gap < 900*time.Millisecond || !strings.Contains(last.why, "lease over") {
		return &mismatch{"the end of the lease", "lease over, after 1.00 s", last.why + ", after " + span(gap)}
	}
	s.t.check("and off by itself after " + span(gap))
	return nil
}

// pulse looks at both ends: the time between the edges is the board's, which a
// busy machine reads late, so half of the width must do.
func pulse(ctx context.Context, s *show) error {
	var before int
	s.seen.look(func() { before = len(s.seen.sent["lcus"]) })
	if err := s.ask(ctx, wish{data: "pump pulse 500ms", state: "succeeded", answer: "done", load: "off",
		edges: []string{"pump active", "pump inactive"}, apart: 250 * time.Millisecond}); err != nil {
		return err
	}
	var sent string
	s.seen.look(func() { sent = fmt.Sprintf("% X", s.seen.sent["lcus"][before:]) })
	on, off := strings.Index(sent, "A0 03 01 A4"), strings.Index(sent, "A0 03 00 A3")
	if on < 0 || off < on {
		return &mismatch{"the board's bytes", "A0 03 01 A4, later A0 03 00 A3", sent}
	}
	s.t.check("the bytes on the wire and the relay say the same")
	return s.ask(ctx, wish{data: "pump read", state: "succeeded", answer: "done", load: "off", proof: "readback", good: "read back from the board"})
}

// proofsOfBoards: on, then off, on each of them.
func proofsOfBoards(ctx context.Context, s *show) error {
	for _, load := range []string{"on", "off"} {
		for _, b := range demoBoards {
			w := wish{data: b.output + " " + load, state: "succeeded", answer: "done", load: load, proof: b.proof, edges: []string{b.output + " inactive"}}
			if load == "on" {
				w.edges, w.good = []string{b.output + " active"}, b.proof+": "+b.why
			}
			if err := s.ask(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func wait(ctx context.Context, s *show) error {
	if err := s.ask(ctx, wish{data: "door read", state: "succeeded", answer: "done", load: "off"}); err != nil {
		return err
	}
	id, err := s.post(ctx, "door wait on 10s", time.Minute)
	if err != nil {
		return err
	}
	if err := s.taken(ctx, id); err != nil {
		return err
	}
	if err := s.move(ctx, "door", "on"); err != nil {
		return err
	}
	return s.ends(ctx, id, wish{data: "door wait on 10s", state: "succeeded", answer: "done", load: "on", good: "answered when the door opened"})
}

func busy(ctx context.Context, s *show) error {
	long, err := s.post(ctx, "lamp pulse 20s", time.Minute)
	if err != nil {
		return err
	}
	if err := s.moved(ctx, "lamp pulse 20s", 1); err != nil {
		return err
	}
	if err := s.ask(ctx, wish{data: "lamp pulse 1s", state: "failed", answer: "refused", says: []string{"busy"},
		edges: []string{"lamp active"}, good: "refused: busy"}); err != nil {
		return err
	}
	safe, err := s.post(ctx, "lamp off", time.Minute)
	if err != nil {
		return err
	}
	if err := s.ends(ctx, safe, wish{data: "lamp off", state: "succeeded", answer: "done", load: "off", edges: []string{"lamp inactive"}}); err != nil {
		return err
	}
	return s.ends(ctx, long, wish{data: "lamp pulse 20s", state: "failed", answer: "failed", says: []string{"ended by call " + safe},
		good: "off at once; the long pulse says who ended it"})
}

func status(ctx context.Context, s *show) error {
	id, err := s.post(ctx, "agent status", time.Minute)
	if err != nil {
		return err
	}
	if err := s.ends(ctx, id, wish{data: "agent status", state: "succeeded", answer: "done"}); err != nil {
		return err
	}
	var a answer
	var r push.Report
	s.seen.look(func() { err = json.Unmarshal(s.seen.calls[id].Result.Data, &a) })
	if err == nil {
		err = json.Unmarshal([]byte(a.Detail), &r)
	}
	want := len(contacts) + 1 // the door
	if err != nil || len(r.Targets) != want || len(r.Agent.Faults) != 0 {
		return &mismatch{"agent status", fmt.Sprintf("%d targets, no faults", want), a.Detail}
	}
	s.t.check(fmt.Sprintf("%s; %s; no faults", clean(r.Agent.Version), strings.Join(targets(&r), ", ")))
	return nil
}
