package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"longarm/hw/clock"
	"longarm/push"
)

// settled is how long the agent gets after the edge to do something that it
// should not, such as to dial: more than lost_after, so that outputs have moved.
const settled = 30 * time.Millisecond

// signOffs is what the power-fail rounds found.
type signOffs struct {
	warm, fresh []time.Duration
	dialed      int64 // connections made between an edge and settled
}

// power measures from a power-fail edge to the sign-off request at the service,
// and the same request by a client that has to connect first, in turns.
func (b *benchmark) power(ctx context.Context, x *benchBox, t *table) error {
	fresh := &poller{container: push.NewID()}
	var err error
	if fresh.player, err = b.role(ctx, roleFresh, nil, x.rig.url(), x.rig.caFile(), x.rig.keyFile(), fresh.container); err != nil {
		return err
	}
	defer fresh.stop()
	var s signOffs
	for i := range warmUp + b.runs {
		rounds := []func() error{
			func() error { return x.fail(ctx, &s) },
			func() error { return fresh.signOff(ctx, x.rig, &s) },
		}
		for k := range rounds { // who is first changes from round to round
			if err := rest(ctx, apart); err != nil {
				return err
			}
			if err := rounds[(i+k)%2](); err != nil {
				return err
			}
		}
		if i < warmUp {
			s.warm, s.fresh = nil, nil // connections count from the start
		}
	}
	s.tell(t)
	return nil
}

func (s signOffs) tell(t *table) {
	w, f := spreadOf(s.warm), spreadOf(s.fresh)
	t.add("power-fail edge → sign-off request at the service", "p50 0.4 ms", w.String(), judge(w.p50 <= 400*time.Microsecond))
	t.add("… with no new connection", "0", fmt.Sprint(s.dialed), judge(s.dialed == 0))
	t.add("… and at most 1/4 of the same over a fresh connection", "p50 "+inMillis(f.p50/4),
		fmt.Sprintf("1/%.1f; fresh %s", float64(f.p50)/float64(max(w.p50, 1)), f), judge(4*w.p50 <= f.p50))
	t.note("Sign-off: %d power-fails of one agent, in turns with %d full handshakes.", w.n, f.n)
}

// fail lets the power fail, waits for the sign-off, and brings the power back.
func (x *benchBox) fail(ctx context.Context, s *signOffs) error {
	before := x.rig.accepted.Load()
	at := clock.Monotonic()
	if _, err := io.WriteString(x.control, "power fail\n"); err != nil {
		return fmt.Errorf("let the power fail: %w", err)
	}
	read, err := x.rig.signedOff(ctx, x.container)
	if err != nil {
		return err
	}
	s.warm = append(s.warm, read-at)
	if err := errors.Join(x.obeyed(), rest(ctx, settled)); err != nil {
		return err
	}
	s.dialed += x.rig.accepted.Load() - before
	if _, err := io.WriteString(x.control, "power ok\n"); err != nil {
		return fmt.Errorf("bring the power back: %w", err)
	}
	if err := x.obeyed(); err != nil {
		return err
	}
	return x.rig.until(ctx, "the agent's return", x.sees)
}

// signOff has the child sign off over a connection of its own.
func (p *poller) signOff(ctx context.Context, r *rig, s *signOffs) error {
	if _, err := p.line(ctx, benchPatience); err != nil { // ready
		return err
	}
	at := clock.Monotonic()
	if _, err := io.WriteString(p.in, "go\n"); err != nil {
		return fmt.Errorf("tell %s to go: %w", p.name, err)
	}
	read, err := r.signedOff(ctx, p.container)
	s.fresh = append(s.fresh, read-at)
	return err
}

// signedOff waits for a sign-off and gives the time at which it had been read.
func (r *rig) signedOff(ctx context.Context, container string) (at time.Duration, err error) {
	err = r.until(ctx, "a sign-off", func(a arrival) bool {
		at = a.at
		return a.path == push.SignOffPath(container)
	})
	return at, err
}
