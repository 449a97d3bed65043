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
	a := c.armed.Load()
	if a == nil || a.reason != reason || a.n != n {
		a = c.build(reason, n)
	}
	if warm := c.second.warm.Load(); warm.alive() {
		r, err := c.signOffOn(ctx, warm, a)
		if _, lost := errors.AsType[*lostError](err); !lost || ctx.Err() != nil {
			return c.signedOff(r, err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
	defer cancel()
	fresh, err := c.second.fresh(ctx)
	if err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	defer fresh.shut(errClosed)
	return c.signedOff(c.signOffOn(ctx, fresh, a))
}

// signOffOn writes before it does anything else: no timer is made while the
// power falls.
func (c *Client) signOffOn(ctx context.Context, on *conn, a *armed) (reply, error) {
	b := a.bytes[slices.Index(c.ends, on.end)]
	var s *slot
	var err error
	select {
	case on.write <- struct{}{}:
		s, err = on.sendLocked(b)
	default:
		lock, cancel := context.WithTimeoutCause(ctx, maxWriteWait, &lostError{errors.New("another request's write is stuck")})
		defer cancel()
		s, err = on.send(lock, b)
	}
	if err != nil {
		return reply{}, err
	}
	if c.o.SignOffWritten != nil {
		c.o.SignOffWritten()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSlow)
	defer cancel()
	resp, err := on.await(ctx, s)
	return reply{resp, on}, err
}

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
