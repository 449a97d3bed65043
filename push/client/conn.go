package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeLimit bounds one write of one request.
	writeLimit = 5 * time.Second
	// maxUnread is how many replies may be outstanding on a connection before
	// it counts as dead; each is a request that its sender gave up.
	maxUnread = 4
)

// past is a deadline that interrupts a read at once.
var past = time.Unix(1, 0)

// errSlow is why a request ended that got no reply in its time.
var errSlow = errors.New("no reply in time")

// errClosed says that this end closed the connection.
var errClosed = errors.New("connection closed")

// errUnasked says that bytes came that no request had asked for; they could
// pass as the reply to the next one.
var errUnasked = fmt.Errorf("%w: bytes that nobody asked for", ErrBadReply)

// lostError says that the connection ended before one byte of this request's
// reply had come, so that the request may be sent again on another one.
type lostError struct{ err error }

func (e *lostError) Error() string { return "connection lost: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// conn is one TLS connection that carries requests and their replies in order.
//
// Three locks, each for one thing. write is held for one bounded write; a
// request takes its place in the queue while it holds it, so the queue has the
// order of the bytes. read is held by whichever waiting request reads; it
// reads the reply of the queue's head, whoever that belongs to, so a request
// whose sender has gone holds nobody up. mu guards fields, never I/O.
type conn struct {
	tls *tls.Conn
	raw net.Conn
	br  *bufio.Reader // guarded by read
	end *endpoint
	// until is the end of the certificate that the service showed.
	until time.Time
	// answered is set once a whole reply has come.
	answered atomic.Bool

	write, read chan struct{} // capacity 1, full when held

	mu    sync.Mutex
	queue []*slot
	err   error // why the connection is over; nil while it is not
}

// slot is one request that waits for its reply. done is closed when resp or
// err is set.
type slot struct {
	done chan struct{}
	resp response
	err  error
}

// newConn takes over t, whose handshake is done, and raw below it.
func newConn(t *tls.Conn, raw net.Conn, e *endpoint) *conn {
	c := &conn{
		tls: t, raw: raw, end: e, br: bufio.NewReader(t),
		write: make(chan struct{}, 1), read: make(chan struct{}, 1),
	}
	if chain := t.ConnectionState().PeerCertificates; len(chain) > 0 {
		c.until = chain[0].NotAfter
	}
	return c
}

// exchange sends b and waits for its reply.
func (c *conn) exchange(ctx context.Context, b []byte) (response, error) {
	s, err := c.send(ctx, b)
	if err != nil {
		return response{}, err
	}
	return c.await(ctx, s)
}

// send writes b, whole or not at all as far as the peer can use it, behind
// whatever has been written before. ctx bounds only the wait for the lock.
func (c *conn) send(ctx context.Context, b []byte) (*slot, error) {
	select {
	case c.write <- struct{}{}:
	default:
		select {
		case c.write <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return c.sendLocked(b)
}

// sendLocked is send for who has the write lock, and gives it back.
func (c *conn) sendLocked(b []byte) (*slot, error) {
	defer func() { <-c.write }()
	s := &slot{done: make(chan struct{})}
	if err := c.enqueue(s); err != nil {
		return nil, err
	}
	// The deadline is taken off again: TLS may have to write while it reads.
	_ = c.tls.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := c.tls.Write(b)
	_ = c.tls.SetWriteDeadline(time.Time{})
	if err != nil {
		c.fail(&lostError{err}) // a write that ran into its deadline has poisoned TLS
		return nil, &lostError{err}
	}
	return s, nil
}

func (c *conn) enqueue(s *slot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return &lostError{c.err}
	}
	c.queue = append(c.queue, s)
	return nil
}

// await gives the reply to s. It reads itself, or waits for another request
// that does. When ctx is cancelled the reply stays to be read by the next
// request, so that nothing that is written behind it gets lost; when ctx runs
// out of time the connection is given up.
func (c *conn) await(ctx context.Context, s *slot) (response, error) {
	for {
		select {
		case <-s.done:
			return s.resp, s.err
		default:
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return response{}, c.abandon(ctx)
		case c.read <- struct{}{}:
			if !s.over() {
				c.readOne(ctx)
			}
			<-c.read
		}
	}
}

func (s *slot) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (c *conn) abandon(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || c.unread() > maxUnread {
		c.fail(&lostError{errSlow})
	}
	return err
}

// readOne reads the reply to the queue's head. It returns without having read
// anything when ctx ends first.
func (c *conn) readOne(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	release := c.interruptible(ctx)
	_, err := c.br.Peek(1)
	if err != nil {
		release()
		if ctx.Err() == nil || !timeout(err) {
			c.fail(&lostError{err})
		}
		return
	}
	resp, err := readResponse(c.br)
	release()
	if err != nil {
		c.failHead(err)
		return
	}
	c.deliver(resp)
}

// interruptible lets the end of ctx end a read; release takes that back.
func (c *conn) interruptible(ctx context.Context) (release func()) {
	_ = c.tls.SetReadDeadline(time.Time{})
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.tls.SetReadDeadline(past)
		close(fired)
	})
	return func() {
		if !stop() {
			<-fired // or it would hit a later read
		}
	}
}

func timeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// errGaveUp is what 408 says: the service got tired of an idle connection, and
// the request and its reply have crossed. It was not served.
var errGaveUp = errors.New("the service ended it as idle (408)")

// deliver hands the head of the queue its reply.
func (c *conn) deliver(resp response) {
	if resp.status == 408 {
		c.fail(&lostError{errGaveUp})
		return
	}
	c.mu.Lock()
	if len(c.queue) == 0 {
		c.mu.Unlock()
		c.fail(errUnasked)
		return
	}
	c.answered.Store(true)
	head := c.queue[0]
	c.queue = c.queue[1:]
	idle := len(c.queue) == 0
	c.mu.Unlock()
	head.resp = resp
	close(head.done)
	switch {
	case resp.last:
		c.shut(&lostError{errors.New("closed by the service")})
	case idle && c.br.Buffered() > 0 && c.unread() == 0:
		c.fail(errUnasked)
	}
}

// failHead ends the connection because the head's reply is bad; the requests
// behind it got no byte of theirs.
func (c *conn) failHead(err error) {
	c.mu.Lock()
	var head *slot
	if len(c.queue) > 0 {
		head, c.queue = c.queue[0], c.queue[1:]
	}
	c.mu.Unlock()
	if head != nil {
		head.err = err
		close(head.done)
	}
	c.fail(&lostError{err})
}

// fail ends the connection at once; every waiting request gets err. Only the
// first one counts.
func (c *conn) fail(err error) {
	if c.finish(err) {
		c.raw.Close()
	}
}

// shut ends the connection with a TLS goodbye, which may take a moment.
func (c *conn) shut(err error) {
	if c.finish(err) {
		c.tls.Close()
	}
}

func (c *conn) finish(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.err = err
	for _, s := range c.queue {
		s.err = err
		close(s.done)
	}
	c.queue = nil
	return true
}

func (c *conn) unread() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// alive reports whether nobody has found the connection to be over yet.
func (c *conn) alive() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil
}
