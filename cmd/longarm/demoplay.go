package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// stepLimit bounds each wait of the show; a good run never reaches it.
const stepLimit = 10 * time.Second

// mismatch is a step that went otherwise than it must.
type mismatch struct{ what, want, got string }

func (m *mismatch) Error() string { return "not as expected: " + m.what }

// wrong shows it where it happened.
func (t *teller) wrong(m *mismatch) {
	t.note(t.p.paint(red, "wrong") + "  " + m.what)
	t.note("want   " + m.want)
	t.note("got    " + clean(m.got))
}

// wish is how a call must end. Empty fields are not looked at.
type wish struct {
	data   string        // the call
	state  string        // the service's word for it
	answer string        // the agent's: done, refused, failed
	load   string        // of the target, afterwards
	proof  string        // at least this was proved
	says   []string      // parts of the sentence that the operator reads
	edges  []string      // since the last check, all of them
	apart  time.Duration // of the last two edges, at least
	good   string        // what the check then says
}

// post sends a call and returns its message id.
func (s *show) post(ctx context.Context, data string, ttl time.Duration) (string, error) {
	s.t.step()
	raw, err := s.api.do(ctx, request{method: http.MethodPost, path: containerPath(s.box) + "/calls", body: map[string]string{"data": data, "ttl": ttl.String()}})
	if err != nil {
		return "", err
	}
	var d callDoc
	if err := decode(raw, &d); err != nil {
		return "", err
	}
	return d.MessageID, nil
}

// ask sends w's call and holds its end against w.
func (s *show) ask(ctx context.Context, w wish) error {
	id, err := s.post(ctx, w.data, time.Minute)
	if err != nil {
		return fmt.Errorf("call %q: %w", w.data, err)
	}
	return s.ends(ctx, id, w)
}

// ends waits for the end of a call and holds it against w.
func (s *show) ends(ctx context.Context, id string, w wish) error {
	var d callDoc
	if _, err := s.seen.await(ctx, stepLimit, func() bool { d = s.seen.calls[id]; return final(d.State) }); err != nil {
		return err
	}
	var a answer
	var said string
	if d.Result != nil {
		said = d.Result.Message
		if err := json.Unmarshal(d.Result.Data, &a); err != nil {
			return fmt.Errorf("call %q: understand the answer's data %q: %w", w.data, d.Result.Data, err)
		}
	}
	for _, c := range []struct{ what, want, got string }{
		{"its state", w.state, d.State}, {"the agent's answer", w.answer, a.State}, {"the load", w.load, a.Load}, {"the proof", w.proof, a.Proof},
	} {
		if c.want != "" && c.want != c.got {
			return &mismatch{fmt.Sprintf("call %q: %s", w.data, c.what), c.want, first(c.got, "nothing") + ", saying: " + first(said, "nothing")}
		}
	}
	for _, part := range w.says {
		if !strings.Contains(said, part) {
			return &mismatch{fmt.Sprintf("call %q: what it says", w.data), "… " + part + " …", first(said, "nothing")}
		}
	}
	if err := s.edges(ctx, w); err != nil {
		return err
	}
	if w.good != "" {
		s.t.check(s.t.p.proof(w.good))
	}
	return nil
}

// edges waits for w's edges and sees that there are no others since the last
// check, and that they are as far apart as w says.
func (s *show) edges(ctx context.Context, w wish) error {
	var got []edgeSeen
	if _, err := s.seen.await(ctx, stepLimit, func() bool {
		got = slices.Clone(s.seen.edges[s.mark:])
		return len(got) >= len(w.edges)
	}); err != nil {
		return err
	}
	s.mark, s.moves = s.mark+len(got), s.moves+len(got)
	names := make([]string, len(got))
	for i, e := range got {
		names[i] = e.String()
	}
	if !slices.Equal(names, w.edges) {
		return &mismatch{fmt.Sprintf("edges of %q", w.data), list(w.edges), list(names)}
	}
	if w.apart == 0 {
		return nil
	}
	gap := got[len(got)-1].at.Sub(got[len(got)-2].at)
	if gap < w.apart*9/10 || gap > w.apart+stepLimit/2 {
		return &mismatch{fmt.Sprintf("edges of %q: the time between", w.data), "about " + span(w.apart), span(gap)}
	}
	return nil
}

func list(s []string) string { return first(strings.Join(s, ", "), "none") }

// moved waits until n edges came since the last check.
func (s *show) moved(ctx context.Context, what string, n int) error {
	var got int
	ok, err := s.seen.await(ctx, stepLimit, func() bool { got = len(s.seen.edges) - s.mark; return got >= n })
	if err == nil && !ok {
		err = &mismatch{"edges of " + what, fmt.Sprint(n), fmt.Sprint(got)}
	}
	return err
}

// taken waits until the agent has acknowledged a call.
func (s *show) taken(ctx context.Context, id string) error {
	ok, err := s.seen.await(ctx, stepLimit, func() bool { return !s.seen.calls[id].At.Acknowledged.IsZero() })
	if err == nil && !ok {
		err = &mismatch{"the call " + id, "acknowledged", "nothing"}
	}
	return err
}

// awaitBox waits for a state of the box, for its reason if one is given.
func (s *show) awaitBox(ctx context.Context, state, reason string) error {
	var got containerDoc
	ok, err := s.seen.await(ctx, startLimit, func() bool {
		got = s.seen.box
		return got.State == state && (reason == "" || got.Reason == reason)
	})
	if err == nil && !ok {
		err = &mismatch{"the box's state", strings.TrimSpace(state + " " + reason), first(strings.TrimSpace(got.State+" "+got.Reason), "nothing")}
	}
	return err
}

// move moves a simulated input.
func (s *show) move(ctx context.Context, name, word string) error {
	s.t.step()
	at := time.Now()
	if err := control(ctx, s.path("control"), name+" "+word); err != nil {
		return errors.Join(err, s.device.lastWords())
	}
	s.t.say(at, rankHead, "world", name, word)
	return nil
}
