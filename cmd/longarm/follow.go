package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"longarm/push"
)

const (
	waitStep   = 20 * time.Second // of one held GET
	pollPause  = time.Second      // between two of them when the service does not hold
	expiryRoom = 2 * time.Second  // to see a call expire whose life is as long as the wait
	lastLook   = 5 * time.Second
)

// follower prints the steps of one call and then its answer. Two sources feed
// it: a held GET, which is the truth, and the event stream, which is faster.
type follower struct {
	*sending
	p      painter
	id     string
	raw    json.RawMessage // the newest document, as served
	doc    callDoc
	steps  int  // how many were printed
	silent bool // "unanswered" was printed
	lost   bool // "trying again" was printed
}

// update is news of the call, or of the way to it.
type update struct {
	raw   json.RawMessage
	err   error
	fatal bool
}

// follow returns the exit code once the call is final or the wait is over.
func (f *follower) follow(parent context.Context) int {
	f.title()
	wait := f.wait
	if wait >= f.ttl {
		wait = max(wait, f.ttl+expiryRoom)
	}
	ctx, cancel := context.WithTimeout(parent, wait)
	defer cancel()
	if code, ok := f.listen(ctx, cancel); ok {
		return code
	}
	if parent.Err() != nil {
		fmt.Fprintf(f.c.stderr, "longarm: stopped waiting; the call goes on (longarm call -cancel %s takes it back while it is queued)\n", clean(f.id))
		return exitUnknown
	}
	f.look(parent)
	return f.verdict(wait)
}

// leave is the end for who only wanted the call to be queued.
func (f *follower) leave(ctx context.Context) int {
	f.title()
	if f.json {
		f.look(ctx)
		return f.c.json(f.raw)
	}
	_, err := fmt.Fprintf(f.c.stdout, "%s; `longarm watch %s` shows what becomes of it, `longarm call -cancel %s` takes it back while it is queued\n",
		f.p.state("queued"), clean(f.container.Name), clean(f.id))
	return f.c.written(err)
}

func (f *follower) title() {
	if !f.json {
		fmt.Fprintf(f.c.stdout, "%s: %s  %s\n", clean(f.container.Name), clean(f.data), f.p.paint(dim, "call "+clean(f.id)))
	}
}

// look asks once for the call as it is now. What was known stays when there is
// no answer.
func (f *follower) look(ctx context.Context) {
	if raw, err := f.a.do(ctx, request{method: http.MethodGet, path: callPath(f.id), limit: lastLook}); err == nil {
		f.see(raw)
	}
}

// listen takes updates until one is final (ok) or ctx ends.
func (f *follower) listen(ctx context.Context, cancel func()) (code int, ok bool) {
	updates := make(chan update)
	var sources sync.WaitGroup
	defer sources.Wait()
	defer cancel()
	if ctx.Err() == nil {
		sources.Go(func() { f.hold(ctx, updates) })
		sources.Go(func() { f.stream(ctx, updates) })
	}
	f.see(f.raw)
	for !final(f.doc.State) {
		select {
		case u := <-updates:
			if u.fatal {
				return f.c.fault(f.a, u.err), true
			}
			f.news(u)
		case <-ctx.Done():
			return 0, false
		}
	}
	return f.verdict(f.wait), true
}

// hold asks for the call again and again, each time held by the service.
func (f *follower) hold(ctx context.Context, out chan<- update) {
	for {
		asked := time.Now()
		raw, err := f.a.do(ctx, request{
			method: http.MethodGet,
			path:   callPath(f.id) + "?wait=" + waitStep.String(),
			limit:  waitStep + requestLimit,
		})
		r, answered := errors.AsType[*refusal](err)
		fatal := answered && r.Status/100 == 4 && r.Status != http.StatusTooManyRequests
		select {
		case out <- update{raw, err, fatal}:
		case <-ctx.Done():
			return
		}
		if !pause(ctx, pollPause-time.Since(asked)) {
			return
		}
	}
}

// stream passes on what the event stream says of this call. It is a help, not
// a need: its end is no fault.
func (f *follower) stream(ctx context.Context, out chan<- update) {
	err := f.a.events(ctx, func(e event) error {
		var d callDoc
		if e.name != "call" || json.Unmarshal(e.data, &d) != nil || !push.EqualID(d.MessageID, f.id) {
			return nil
		}
		select {
		case out <- update{raw: e.data}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	_ = err // the held GET reports the service's troubles
}

// news prints an update.
func (f *follower) news(u update) {
	switch {
	case u.err == nil:
		f.lost = false
		f.see(u.raw)
	case !f.lost && !errors.Is(u.err, context.DeadlineExceeded) && !errors.Is(u.err, context.Canceled):
		f.lost = true
		fmt.Fprintf(f.c.stderr, "longarm: %s Trying again until the wait is over.\n", sentence(explain(f.a, u.err)))
	}
}

// see takes a newer document and prints the steps that it adds.
func (f *follower) see(raw json.RawMessage) {
	var d callDoc
	if json.Unmarshal(raw, &d) != nil || d.State == "" || older(d, f.doc) {
		return
	}
	f.raw, f.doc = raw, d
	if !f.json {
		f.show(d)
	}
}

// older reports whether d was overtaken by seen: the two sources have no order.
func older(d, seen callDoc) bool {
	if final(d.State) || final(seen.State) {
		return final(seen.State)
	}
	return d.At.Acknowledged.IsZero() && !seen.At.Acknowledged.IsZero()
}

// final reports whether a call in this state changes no more. An unanswered
// one may: a box that cycled its own router answers late (protocol.md 4).
func final(state string) bool {
	switch state {
	case "succeeded", "failed", "unknown", "expired", "cancelled":
		return true
	}
	return false
}

// pause waits for d and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// lost reports whether a request may have arrived although err came back.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// sentence ends s with a full stop.
func sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
