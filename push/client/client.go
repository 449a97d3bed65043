package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"longarm/push"
)

const (
	// requestLimit bounds every request but a poll, dialing included.
	requestLimit = push.AckLimit
	// staleLimit is how soon a poll on a kept connection must have failed to
	// be sent again at once; one that was held longer met the service's end,
	// and a fleet that came back without a pause would be a storm.
	staleLimit = 5 * time.Second
)

// errQuickIdle is an idle reply that came back at once; some services answer
// a refused key so (protocol.md 3).
var errQuickIdle = fmt.Errorf("%w, answered at once", push.ErrIdle)

// Client is a device's link to the push service. All methods are safe for
// concurrent use; polls are sent one after the other. It starts no goroutine
// and opens no connection by itself. Close it at the end.
type Client struct {
	container string
	key       string // only to take it out of what the service says
	o         Options
	ends      []*endpoint

	polls  *lane // holds the poll
	second *lane // acknowledgement, result, call, state, sign-off

	ours  atomic.Bool
	armed atomic.Pointer[armed]
	wait  backoff
}

// New checks cfg and reads its files. The error joins every fault, each in a
// sentence that names the field and what would be right.
func New(cfg Config, o Options) (*Client, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := loader{cfg: cfg, log: o.Log}
	c := &Client{ends: l.endpoints(), container: l.container(), key: l.key(), o: o}
	inQuery := l.auth()
	d := &dialer{ends: c.ends, tls: l.tls(), now: o.Now}
	d.tls.Time = o.Now
	if err := l.err(); err != nil {
		return nil, err
	}
	agent := headerText(o.Version)
	if agent == "" {
		agent = "longarm-agent"
	}
	for _, e := range c.ends {
		e.prepare(c.key, inQuery, agent, headerText(o.Instance))
	}
	pollDial, secondDial := dialFunc(o.Dial), dialFunc(o.Dial)
	if o.Dial == nil {
		pollDial, secondDial = socketDialer(pollKeepAlive), socketDialer(secondKeepAlive)
	}
	c.polls = newLane(d, pollDial, staleLimit)
	c.second = newLane(d, secondDial, 0)
	return c, nil
}

// headerText keeps the visible ASCII of s and single spaces.
func headerText(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)), " ")
}

// Poll holds one poll, number n, and gives the call that ends it. It returns
// within [push.PollLimit]. The error is [push.ErrIdle] when there was no call,
// a [*push.Refusal] for an answered error, [ErrClock] while the clock is not
// set, and else says what went wrong on the way. Give it to [Client.Pause].
func (c *Client) Poll(ctx context.Context, n uint64) (push.Call, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, push.PollLimit, errSlow)
	defer cancel()
	start := time.Now()
	r, err := c.polls.do(ctx, request{method: "GET", path: push.PollPath(c.container), poll: n, dedupe: true})
	if err != nil {
		c.polls.drop() // an unread poll makes the connection worthless
		if pathDead(ctx, err) {
			c.second.suspect() // it takes the same path
		}
		return push.Call{}, fmt.Errorf("poll: %w", err)
	}
	call, ok, err := push.ParsePoll(r.status, r.body)
	if err != nil {
		return push.Call{}, fmt.Errorf("poll: %w", c.refused(r, err))
	}
	if ok {
		c.welcome(r)
	} else if _, err := push.ParseReply(r.body); err == nil { // idle may be any body
		c.welcome(r)
	}
	switch {
	case ok && call.ContainerID == "":
		call.ContainerID = c.container
		return call, nil
	case ok:
		return call, nil
	case time.Since(start) < push.QuickIdle:
		return push.Call{}, errQuickIdle
	}
	return push.Call{}, push.ErrIdle
}

// pathDead tells a peer that went silent from one that closed or refused.
func pathDead(ctx context.Context, err error) bool {
	return errors.Is(context.Cause(ctx), errSlow) || (ctx.Err() == nil && timeout(err))
}

// Ack acknowledges a call on the second connection. A reply with Success false
// means: do not act. It gives up after [push.AckLimit]; no reply, too, means
// do not act.
func (c *Client) Ack(ctx context.Context, containerID, messageID string) (push.Reply, error) {
	body := push.AppendAck(nil, containerID, messageID)
	r, err := c.post(ctx, push.AckPath(containerID, messageID), body)
	if err != nil {
		return push.Reply{}, fmt.Errorf("acknowledge: %w", err)
	}
	return r, nil
}

// Result answers a call on the second connection. The service has taken it
// when the error is nil, whatever the reply says. It gives up after 10 s.
func (c *Client) Result(ctx context.Context, containerID, messageID string, res push.Result) (push.Reply, error) {
	r, err := c.post(ctx, push.ResultPath(containerID, messageID), res.Append(nil))
	if err != nil {
		return push.Reply{}, fmt.Errorf("send result: %w", err)
	}
	return r, nil
}

// Call asks the service on the second connection for a call of container, ""
// being the client's own, to target, with a life of ttl (0: the service's
// default). id names the request: after a reply that was lost the same one asks
// again, and makes no second call. With Success the reply carries the call's
// [push.Reply.MessageID]; without, its message says why there is none. A
// request that was refused is a [*push.Refusal]. It gives up after 10 s.
func (c *Client) Call(ctx context.Context, container, target, id, data string, ttl time.Duration) (push.Reply, error) {
	body := push.CallRequest{ID: id, Data: data, TTL: ttl}.Append(nil)
	r, err := c.post(ctx, push.CallPath(cmp.Or(container, c.container), target), body)
	if err != nil {
		return push.Reply{}, fmt.Errorf("call %s: %w", target, err)
	}
	r.Message = c.clean(r.Message)
	return r, nil
}

// State sends the box's state on the second connection, if the service is
// [Client.Ours]; else it does nothing.
func (c *Client) State(ctx context.Context, report push.Report) error {
	if !c.Ours() {
		return nil
	}
	r, err := c.post(ctx, push.StatePath(c.container), report.Append(nil))
	if err == nil && !r.Success {
		err = &push.Refusal{Status: 200, Message: c.clean(r.Message)}
	}
	if err != nil {
		return fmt.Errorf("send state: %w", err)
	}
	return nil
}

// KeepWarm opens the second connection if it is down, in one attempt of at
// most 10 s. While a request uses that connection it does nothing.
func (c *Client) KeepWarm(ctx context.Context) error {
	if err := c.second.keepWarm(ctx); err != nil {
		return fmt.Errorf("second connection: %w", err)
	}
	return nil
}

// Greet reads the container's object on the second connection, unless that
// connection has carried a reply before. A held poll keeps its reply back for
// long, and until then nothing is known of the service, [Client.Ours] for one;
// and servers close a connection that stays silent. A service that refuses
// says so at the poll, where it counts. It gives up after 10 s.
func (c *Client) Greet(ctx context.Context) error {
	if warm := c.second.warm.Load(); warm.alive() && warm.answered.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
	defer cancel()
	r, err := c.second.do(ctx, request{method: "GET", path: push.ContainerPath, query: push.ContainerQuery(c.container)})
	if err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	if _, err := push.ParseReply(r.body); err == nil && r.status == 200 {
		c.welcome(r)
	}
	return nil
}

// Armed reports whether a warm second connection is up, as far as is known.
func (c *Client) Armed() bool { return c.second.warm.Load().alive() }

// Ours reports whether the service's last good reply said that it is ours
// (protocol.md 6, State).
func (c *Client) Ours() bool { return c.ours.Load() }

// Close closes both connections; what is on its way ends with an error.
func (c *Client) Close() error {
	c.polls.close()
	c.second.close()
	return nil
}

// post sends a body on the second connection and wants an envelope.
func (c *Client) post(ctx context.Context, path string, body []byte) (push.Reply, error) {
	if len(body) > push.MaxBody {
		return push.Reply{}, fmt.Errorf("body is longer than %d KiB", push.MaxBody>>10)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
	defer cancel()
	r, err := c.second.do(ctx, request{method: "POST", path: path, body: body})
	if err != nil {
		return push.Reply{}, err
	}
	return c.envelope(r)
}

// envelope reads the reply to anything but a poll.
func (c *Client) envelope(r reply) (push.Reply, error) {
	if r.status != 200 && r.status != 204 { // 204 has no envelope, and so says nothing
		_, _, err := push.ParsePoll(r.status, r.body)
		return push.Reply{}, c.refused(r, err)
	}
	e, err := push.ParseReply(r.body)
	if err != nil {
		return push.Reply{}, c.refused(r, err)
	}
	if r.status == 200 {
		c.welcome(r)
	}
	return e, nil
}

// refused completes what is wrong with a whole reply by what its header says.
func (c *Client) refused(r reply, err error) error {
	refusal, ok := errors.AsType[*push.Refusal](err)
	if !ok {
		if r.header.media != "" {
			return fmt.Errorf("%w (%s from %s)", err, c.clean(r.header.media), r.from.end.host)
		}
		return err
	}
	refusal.RetryAfter = r.header.retry(c.o.Now())
	refusal.Message = c.clean(refusal.Message)
	if r.status >= 300 && r.status < 400 && r.header.location != "" {
		refusal.Message = "it redirects to " + c.clean(targetHost(r.header.location)) +
			"; redirects are not followed, write the final address into the config"
	}
	return refusal
}

// targetHost names where a redirect goes, without what may be secret in it.
func targetHost(location string) string {
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return "an address that can't be read"
	case u.Host == "":
		return "another path of the same host"
	}
	return u.Scheme + "://" + u.Host
}

// clean makes the service's text fit for a log: one line, not long, and
// without the key, should the service have echoed it.
func (c *Client) clean(s string) string {
	s = strings.NewReplacer(c.key, "***", url.QueryEscape(c.key), "***").Replace(s)
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// welcome notes what a good reply, a 200 with an envelope, says about the
// service and the time.
func (c *Client) welcome(r reply) {
	c.ours.Store(r.header.service == "1")
	if date, ok := httpDate(r.header.date); ok && c.o.GoodTime != nil && !date.After(r.from.until) {
		c.o.GoodTime(date)
	}
}
