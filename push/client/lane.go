package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// lane keeps one warm connection and sends one request at a time over it. The
// sign-off alone goes past the turn, behind whatever is on its way.
type lane struct {
	dialer *dialer
	dial   dialFunc
	// stale bounds how old a request may be that is sent again because its
	// connection ended without a byte of reply. 0 is no bound.
	stale time.Duration

	turn   chan struct{} // capacity 1, full while a request or a dial is on
	warm   atomic.Pointer[conn]
	closed atomic.Bool
}

func newLane(d *dialer, dial dialFunc, stale time.Duration) *lane {
	return &lane{dialer: d, dial: dial, stale: stale, turn: make(chan struct{}, 1)}
}

// do sends r and gives its reply, whatever its status. A kept connection may
// have been closed by the service meanwhile: then the request is sent once
// more on a fresh one, unless a byte of its reply has come.
func (l *lane) do(ctx context.Context, r request) (reply, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	}
	if c := l.idle(); c != nil {
		sent := time.Now()
		resp, err := l.exchange(ctx, c, r)
		if err == nil || !l.again(ctx, err, sent) {
			return reply{resp, c}, err
		}
	}
	c, err := l.open(ctx)
	if err != nil {
		return reply{}, err
	}
	resp, err := l.exchange(ctx, c, r)
	return reply{resp, c}, err
}

// reply is a response and the connection that it came on.
type reply struct {
	response
	from *conn
}

func (l *lane) exchange(ctx context.Context, c *conn, r request) (response, error) {
	resp, err := c.exchange(ctx, c.end.append(make([]byte, 0, 512+len(r.body)), r))
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	return resp, explain(err, l.dialer.now)
}

func (l *lane) again(ctx context.Context, err error, sent time.Time) bool {
	_, lost := errors.AsType[*lostError](err)
	return lost && ctx.Err() == nil && (l.stale == 0 || time.Since(sent) < l.stale)
}

// fresh dials a connection that is the caller's own.
func (l *lane) fresh(ctx context.Context) (*conn, error) {
	if l.closed.Load() {
		return nil, errClosed
	}
	return l.dialer.open(ctx, l.dial)
}

// open dials and keeps the new connection as the warm one. The caller has the
// turn.
func (l *lane) open(ctx context.Context) (*conn, error) {
	c, err := l.fresh(ctx)
	if err != nil {
		return nil, err
	}
	l.warm.Store(c)
	if l.closed.Load() { // after the Store, so that one of the two sides closes c
		c.shut(errClosed)
		return nil, errClosed
	}
	return c, nil
}

// keepWarm opens the connection if there is none. While a request is on its
// way there is nothing to do: that one opens it.
func (l *lane) keepWarm(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	default:
		return nil
	}
	if l.idle() != nil {
		return nil
	}
	_, err := l.open(ctx)
	return err
}

// idle gives the warm connection if it is still good for a request, or nil.
func (l *lane) idle() *conn {
	c := l.warm.Load()
	if c.alive() {
		c.probe()
	}
	if c.alive() {
		return c
	}
	return nil
}

// suspect gives up an idle connection whose path has proved dead elsewhere.
func (l *lane) suspect() {
	if c := l.warm.Load(); c.alive() && c.unread() == 0 {
		c.fail(&lostError{errSlow})
	}
}

// drop closes the connection, if there is one.
func (l *lane) drop() {
	if c := l.warm.Load(); c.alive() {
		c.shut(&lostError{errClosed})
	}
}

func (l *lane) close() {
	l.closed.Store(true)
	l.drop()
}
