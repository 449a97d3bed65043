package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"longarm/push"
)

// maxWriteWait is how long a sign-off waits for another request's write, which
// takes microseconds unless the path is dead; then it dials.
const maxWriteWait = 250 * time.Millisecond

// armed is a sign-off whose bytes are ready for each URL.
type armed struct {
	reason string
	n      uint64
	bytes  [][]byte // in the order of Client.ends
}

// ArmSignOff builds the bytes of a sign-off in advance, so that
// [Client.SignOff] with the same reason and n only writes them. n is the
// number of the highest poll.
func (c *Client) ArmSignOff(reason string, n uint64) {
	c.armed.Store(c.build(reason, n))
}

func (c *Client) build(reason string, n uint64) *armed {
	r := request{method: "GET", path: push.SignOffPath(c.container), query: "reason=" + url.QueryEscape(reason), poll: n}
	a := &armed{reason: reason, n: n}
	for _, e := range c.ends {
		a.bytes = append(a.bytes, e.append(nil, r))
	}
	return a
}

// SignOff tells the service that the box goes dark, and why. On a warm second
// connection the bytes are written at once, behind whatever is on its way
// there, and no lock is waited for but that of one write. Without one, or when
// it turns out to be dead, it dials. It waits for the reply until ctx ends, at
// most 10 s; when that is cut short the service may still have it.
func (c *Client) SignOff(ctx context.Context, reason string, n uint64) error {
	if reply := c.SignOffNow(reason, n); reply != nil {
		return reply(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
	defer cancel()
	a := c.signOffFor(reason, n)
	if warm := c.second.warm.Load(); warm.alive() {
		r, err := c.signOffBehind(ctx, warm, a)
		if _, lost := errors.AsType[*lostError](err); !lost || ctx.Err() != nil {
			return c.signedOff(r, err)
		}
	}
	return c.signOffFresh(ctx, a)
}

// SignOffNow writes the sign-off on the warm second connection and does
// nothing else: no timer is made and nobody is waited for while the power
// falls. It returns how to wait for the reply, which is SignOff's second half;
// nil when there is no warm connection or another request is being written, so
// that nothing was sent. It blocks only if the socket's buffer is full, 5 s at
// most.
func (c *Client) SignOffNow(reason string, n uint64) (reply func(ctx context.Context) error) {
	warm := c.second.warm.Load()
	if !warm.alive() {
		return nil
	}
	select {
	case warm.write <- struct{}{}:
	default:
		return nil
	}
	a := c.signOffFor(reason, n)
	s, err := warm.sendLocked(a.bytes[slices.Index(c.ends, warm.end)])
	if err != nil {
		return nil
	}
	c.signOffWritten()
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
		defer cancel()
		resp, err := warm.await(ctx, s)
		if _, lost := errors.AsType[*lostError](err); lost && ctx.Err() == nil {
			return c.signOffFresh(ctx, a)
		}
		return c.signedOff(replyFrom(resp, warm), err)
	}
}

func (c *Client) signOffFor(reason string, n uint64) *armed {
	if a := c.armed.Load(); a != nil && a.reason == reason && a.n == n {
		return a
	}
	return c.build(reason, n)
}

func (c *Client) signOffWritten() {
	if c.o.SignOffWritten != nil {
		c.o.SignOffWritten()
	}
}

// signOffBehind waits for another request's write, but not for long.
func (c *Client) signOffBehind(ctx context.Context, on *conn, a *armed) (reply, error) {
	lock, cancel := context.WithTimeoutCause(ctx, maxWriteWait, &lostError{errors.New("another request's write is stuck")})
	defer cancel()
	s, err := on.send(lock, a.bytes[slices.Index(c.ends, on.end)])
	if err != nil {
		return reply{}, err
	}
	c.signOffWritten()
	resp, err := on.await(ctx, s)
	return replyFrom(resp, on), err
}

// signOffFresh dials for the sign-off.
func (c *Client) signOffFresh(ctx context.Context, a *armed) error {
	fresh, err := c.second.fresh(ctx)
	if err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	defer fresh.shut(errClosed)
	return c.signedOff(c.signOffBehind(ctx, fresh, a))
}

func replyFrom(r response, on *conn) reply { return reply{r, on} }

func (c *Client) signedOff(r reply, err error) error {
	if err == nil {
		var e push.Reply
		if e, err = c.envelope(r); err == nil && !e.Success {
			err = &push.Refusal{Status: 200, Message: c.clean(e.Message)}
		}
	}
	if err != nil {
		return fmt.Errorf("sign off: %w", explain(err, c.o.Now))
	}
	return nil
}
