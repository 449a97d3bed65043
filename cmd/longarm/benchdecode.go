package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"longarm/push"
)

const (
	warmUp = 20                    // rounds that are not counted
	apart  = 10 * time.Millisecond // between two rounds: a call meets sleeping processes
)

// poller is a child process that polls the rig.
type poller struct {
	*player
	container string
	held      arrival
	times     []time.Duration
}

// decoding measures from the bytes of a reply to the decoded call, for our
// client and for the same loop on net/http, in turns.
func (b *benchmark) decoding(ctx context.Context, t *table) error {
	r, err := newRig(ctx, filepath.Join(b.dir, "decode"))
	if err != nil {
		return err
	}
	defer r.close()
	var pair [2]*poller
	for i, role := range []string{rolePollOurs, rolePollNetHTTP} {
		p := &poller{container: push.NewID()}
		if p.player, err = b.role(ctx, role, nil, r.url(), r.caFile(), r.keyFile(), p.container); err != nil {
			return err
		}
		defer p.stop()
		if err := p.wait(ctx, r); err != nil {
			return err
		}
		pair[i] = p
	}
	floor, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer floor.close()
	for i := range warmUp + b.runs {
		for k := range pair { // who is first changes from round to round
			if err := pair[(i+k)%2].round(ctx, r, i >= warmUp); err != nil {
				return err
			}
		}
		if err := floor.round(ctx, i >= warmUp); err != nil {
			return err
		}
	}
	decodingRows(t, pair[0].times, pair[1].times)
	t.note("Floor under every latency here, in the same turns: as many bytes from process to process over plain TCP, without TLS, HTTP and decoding: %s.", spreadOf(floor.times))
	return nil
}

// decodingRows adds the rows about decoding.
func decodingRows(t *table, ours, other []time.Duration) {
	a, b := spreadOf(ours), spreadOf(other)
	quicker := 0
	for i := range ours {
		if ours[i] < other[i] {
			quicker++
		}
	}
	t.add("reply bytes at the service → call decoded", "p50 0.2 ms", a.String(), judge(a.p50 <= 200*time.Microsecond))
	t.add("… and never above the same loop on net/http", "p50 "+inMillis(b.p50),
		fmt.Sprintf("%s; net/http %s", a, b), judge(a.p50 <= b.p50))
	t.note("Decoding: %d pairs in turns, our client the quicker one in %d of them.", len(ours), quicker)
}

// wait takes the next poll of this poller.
func (p *poller) wait(ctx context.Context, r *rig) error {
	return r.until(ctx, "a poll of "+p.name, func(a arrival) bool {
		p.held = a
		return a.isPoll() && a.path == push.PollPath(p.container)
	})
}

// round ends the held poll with a call, and waits for the next poll.
func (p *poller) round(ctx context.Context, r *rig, counts bool) error {
	if err := rest(ctx, apart); err != nil {
		return err
	}
	call := benchCall(p.container, "router on")
	sent, err := p.held.release(call)
	if err != nil {
		return err
	}
	line, err := p.line(ctx, benchPatience)
	if err != nil {
		return err
	}
	at, id, err := stamp(line)
	if err != nil {
		return err
	}
	if id != call.MessageID {
		return fmt.Errorf("%s decoded the call %q, sent was %q", p.name, id, call.MessageID)
	}
	if counts {
		p.times = append(p.times, at-sent)
	}
	return p.wait(ctx, r)
}

// benchCall is a call as our service sends it.
func benchCall(container, data string) push.Call {
	return push.Call{RootContainerID: container, ContainerID: container, SenderID: container,
		MessageID: push.NewID(), Data: data, TTL: push.DefaultTTL}
}
