package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"longarm/lab/wire"
)

// control is the host's end of the control channel: requests go out one after the other,
// and replies are sorted by the id of their request. A request whose taker reads no replies
// holds up all others once its channel is full.
type control struct {
	conn  io.ReadWriteCloser
	hello chan struct{} // the server in the guest has started

	out sync.Mutex // held while writing, which may take until the guest reads
	enc *json.Encoder

	mu      sync.Mutex
	next    int64
	waiting map[int64]chan wire.Reply // nil once the connection has ended
}

// newControl starts with an id that no earlier run of a saved machine has used.
func newControl(conn io.ReadWriteCloser) *control {
	return &control{conn: conn, hello: make(chan struct{}, 1), enc: json.NewEncoder(conn),
		next: time.Now().UnixNano(), waiting: map[int64]chan wire.Reply{}}
}

func (c *control) close() error { return c.conn.Close() }

// send gives the request an id; its replies come on the channel, which is closed when the
// guest is gone.
func (c *control) send(q *wire.Request) (<-chan wire.Reply, error) {
	replies := make(chan wire.Reply, 256)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return nil, ErrGone
	}
	c.next++
	q.ID = c.next
	c.waiting[q.ID] = replies
	c.mu.Unlock()
	c.out.Lock()
	defer c.out.Unlock()
	if err := c.enc.Encode(q); err != nil {
		return nil, fmt.Errorf("send to the guest: %w", errors.Join(err, ErrGone))
	}
	return replies, nil
}

// read hands out replies until the connection ends.
func (c *control) read() {
	r := bufio.NewReaderSize(c.conn, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var p wire.Reply
		if json.Unmarshal(line, &p) == nil { // else noise, such as a UART being set up
			c.route(p)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, replies := range c.waiting {
		close(replies)
	}
	c.waiting = nil
}

func (c *control) route(p wire.Reply) {
	if p.Ev == wire.Hello {
		select {
		case c.hello <- struct{}{}:
		default: // nobody asked for a second one
		}
		return
	}
	c.mu.Lock()
	replies := c.waiting[p.ID]
	if p.Last() {
		delete(c.waiting, p.ID)
	}
	c.mu.Unlock()
	if replies != nil {
		replies <- p
	}
}

// Do sends one request and waits for its last reply, which holds the data of all.
func (g *Guest) Do(q wire.Request) (wire.Reply, error) {
	replies, err := g.control.send(&q)
	if err != nil {
		return wire.Reply{}, err
	}
	var data []byte
	for p := range replies {
		switch p.Ev {
		case wire.Data:
			data = append(data, p.Data...)
		case wire.Fail:
			return p, errors.New(p.Msg)
		default:
			p.Data = data
			return p, nil
		}
	}
	return wire.Reply{}, ErrGone
}

// within is Do with a limit, for a guest that may not answer.
func (g *Guest) within(limit time.Duration, q wire.Request) error {
	end := make(chan error, 1)
	go func() { _, err := g.Do(q); end <- err }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-end:
		return err
	case <-g.done:
		return ErrGone
	case <-timer.C:
		return fmt.Errorf("no answer to %s within %v", q.Op, limit)
	}
}
