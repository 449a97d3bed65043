package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"longarm/push"
)

const callHelp = `call NAME-OR-ID 'TARGET VERB [ARG]' [-ttl 60s] [-wait 60s] [-json]
       longarm call -cancel MESSAGE-ID

Sends one remote call to a box, shows its steps as they happen, then the answer.
What a box understands: on, off, on 10m (back to safe after that), pulse 500ms,
cycle 10s, read; 'agent status' asks the agent itself.

  longarm call shop-12 'router cycle 10s'      load off, 10 s, on again
  longarm call shop-12 'siren on 30s'          a lease: ends by itself
  longarm call shop-12 'door pulse' -ttl 5s    not at all if not within 5 s
  longarm call shop-12 'led read' -json        the final call as JSON

Exit codes: 0 succeeded, or queued with -wait 0; 3 failed, refused, expired or
cancelled; 4 unanswered or unknown, also when -wait runs out: look before you
repeat it.
`

// sending is one call on its way.
type sending struct {
	c         command
	a         *api
	container containerDoc
	data      string
	ttl, wait time.Duration
	json      bool
}

func call(ctx context.Context, c command) int {
	var t target
	s := sending{c: c}
	f := c.newFlags("call", callHelp)
	f.DurationVar(&s.ttl, "ttl", push.DefaultTTL, "the call's life: the box does not act later than this")
	f.DurationVar(&s.wait, "wait", time.Minute, "how long to wait for the answer; 0 only queues the call")
	f.BoolVar(&s.json, "json", false, "print nothing but the final call, as JSON")
	cancel := f.String("cancel", "", "take back the call with this message `ID`, while it is queued")
	t.flag(f)
	words, code, done := f.parse(0, -1)
	if done {
		return code
	}
	if s.data = strings.TrimSpace(strings.Join(words[min(1, len(words)):], " ")); *cancel == "" && s.data == "" {
		return f.wrong("want a container and what to call, such as: longarm call shop-12 'router cycle 10s'")
	}
	if *cancel != "" && len(words) > 0 {
		return f.wrong("-cancel takes a message id and nothing else")
	}
	if s.ttl <= 0 || s.wait < 0 {
		return f.wrong("-ttl must be above 0 and -wait not below")
	}
	var err error
	if s.a, err = c.connect(t); err != nil {
		return c.fault(nil, err)
	}
	if *cancel != "" {
		return s.cancel(ctx, *cancel)
	}
	return s.send(ctx, words[0])
}

// cancel takes back a queued call.
func (s *sending) cancel(ctx context.Context, id string) int {
	raw, err := s.a.do(ctx, request{method: http.MethodDelete, path: callPath(id)})
	if err != nil {
		return s.c.fault(s.a, err)
	}
	if s.json {
		return s.c.json(raw)
	}
	fmt.Fprintf(s.c.stdout, "the call %s is cancelled\n", clean(id))
	return exitDone
}

// send queues the call and follows it.
func (s *sending) send(ctx context.Context, nameOrID string) int {
	var err error
	if s.container, err = s.a.find(ctx, nameOrID); err != nil {
		return s.c.fault(s.a, err)
	}
	raw, err := s.post(ctx)
	if err != nil {
		code := s.c.fault(s.a, err)
		if code == exitRefused && s.container.Conflict {
			fmt.Fprintf(s.c.stderr, "longarm: `longarm ls %[1]s` shows both, `longarm container pick %[1]s INSTANCE` says which is right\n", clean(s.container.Name))
		}
		return code
	}
	var d callDoc
	if err := decode(raw, &d); err != nil {
		return s.c.fault(s.a, err)
	}
	f := follower{sending: s, p: s.c.painter(s.c.stdout), id: d.MessageID, raw: raw, doc: d}
	if s.wait == 0 {
		return f.leave(ctx)
	}
	return f.follow(ctx)
}

// post queues the call. It is sent twice when the first answer got lost; the
// idempotency key makes one call of both.
func (s *sending) post(ctx context.Context) (json.RawMessage, error) {
	r := request{method: http.MethodPost, path: containerPath(s.container.ID) + "/calls", key: rand.Text()}
	r.body = struct {
		Data string `json:"data"`
		TTL  string `json:"ttl"`
	}{s.data, s.ttl.String()}
	raw, err := s.a.do(ctx, r)
	if _, answered := errors.AsType[*refusal](err); err == nil || answered || !lost(err) {
		return raw, err
	}
	return s.a.do(ctx, r)
}

func callPath(id string) string { return "/calls/" + url.PathEscape(id) }
