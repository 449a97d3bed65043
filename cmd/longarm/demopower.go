package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// powerFails: sign-off, outputs to safe, and calls are refused at once.
func powerFails(ctx context.Context, s *show) error {
	before := one(
		wish{data: "router off", state: "succeeded", answer: "done", load: "off", edges: []string{"router active"}},
		wish{data: "lamp on", state: "succeeded", answer: "done", load: "on", edges: []string{"lamp active"}})
	if err := before(ctx, s); err != nil {
		return err
	}
	failed := time.Now()
	if err := s.move(ctx, "power", "fail"); err != nil {
		return err
	}
	if err := s.awaitBox(ctx, "signed-off", "power-fail"); err != nil {
		return err
	}
	s.t.check("the service knows, after " + millis(time.Since(failed)))
	if err := s.toSafe(ctx); err != nil {
		return err
	}
	if err := s.list(ctx, "signed off: power-fail"); err != nil {
		return err
	}
	return s.refusedAtOnce(ctx, "lamp on", "signed off: power-fail")
}

// millis is a short time: 0.4 ms.
func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// toSafe waits for the edges of a power-fail; the outputs have no order.
func (s *show) toSafe(ctx context.Context) error {
	if err := s.moved(ctx, "the power-fail", 2); err != nil {
		return err
	}
	var got []edgeSeen
	s.seen.look(func() { got = append(got, s.seen.edges[s.mark:]...) })
	if len(got) == 2 && got[0].name > got[1].name {
		got[0], got[1] = got[1], got[0]
	}
	s.mark, s.moves = s.mark+len(got), s.moves+len(got)
	if text := fmt.Sprint(got); text != "[lamp inactive router inactive]" {
		return &mismatch{"edges of the power-fail", "[lamp inactive router inactive]", text}
	}
	s.t.check("router powered, lamp off: both relays released")
	return nil
}

// list runs `longarm ls`, shows what it prints and sees that it says part.
func (s *show) list(ctx context.Context, part string) error {
	var out bytes.Buffer
	run(ctx, []string{"ls", "-data", s.path("data")}, s.c.env, &out, &out)
	s.t.note(s.t.p.paint(dim, "$ longarm ls"))
	for line := range strings.Lines(out.String()) {
		s.t.note(strings.TrimRight(line, "\n"))
	}
	if !strings.Contains(out.String(), part) {
		return &mismatch{"longarm ls", "… " + part + " …", out.String()}
	}
	return nil
}

// refusedAtOnce sends a call that the service itself must refuse.
func (s *show) refusedAtOnce(ctx context.Context, data, why string) error {
	asked := time.Now()
	_, err := s.post(ctx, data, time.Minute)
	answered := time.Now()
	s.t.say(asked, rankQueued, "operator", "service", "call "+data)
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.Status != http.StatusConflict || !strings.Contains(r.Reason, why) {
		return &mismatch{fmt.Sprintf("call %q without power", data), "409 " + why, fmt.Sprint(err)}
	}
	s.t.say(answered, rankClosed, "service", "operator", s.t.p.paint(red, fmt.Sprintf("%d", r.Status))+" "+clean(r.Reason))
	s.t.check("refused in " + millis(answered.Sub(asked)) + ", no need to wait for a silent box")
	return nil
}

func powerBack(ctx context.Context, s *show) error {
	if err := s.move(ctx, "power", "ok"); err != nil {
		return err
	}
	if err := s.awaitBox(ctx, "online", ""); err != nil {
		return err
	}
	return s.ask(ctx, wish{data: "router read", state: "succeeded", answer: "done", load: "on", good: "it serves calls again, and the router is on"})
}

// close is the last scene: both are told to end, and must do so with 0.
func (s *show) close(ctx context.Context) error {
	s.t.head("The end", "SIGTERM to the agent, then to the service")
	s.ending.Store(true)
	if err := s.device.end(); err != nil {
		return err
	}
	s.device = nil
	if err := s.awaitBox(ctx, "signed-off", "shutdown"); err != nil {
		return err
	}
	if err := s.service.end(); err != nil {
		return err
	}
	s.service = nil
	if err := s.edges(ctx, wish{data: "the end"}); err != nil {
		return err
	}
	s.t.check("both ended with exit code 0, no edge")
	s.summary()
	return nil
}
