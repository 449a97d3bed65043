package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// dialLimit bounds one attempt on one URL: name, TCP and TLS together.
	dialLimit = 10 * time.Second
	// userTimeout is TCP_USER_TIMEOUT (tcp(7)): how long written bytes may
	// stay unacknowledged by the peer's kernel. It is more than two probes
	// after pollKeepAlive's idle, or one lost probe would end the link.
	userTimeout = 31 * time.Second
	// maxKnown is how many addresses of one URL are remembered.
	maxKnown = 4
)

// Keep-alive of the two connections. A peer that died while a poll waits is
// noticed after 23+3*3 s and what the kernel's timer wheel adds: up to 2 s to
// the 23, a quarter to each 3 (docs/adr/0006), together within 35 s; on the second connection, which is idle, after 60 s
// and the first probe that is lost, since the user timeout has passed by then.
var (
	pollKeepAlive   = net.KeepAliveConfig{Enable: true, Idle: 23 * time.Second, Interval: 3 * time.Second, Count: 3}
	secondKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 3 * time.Second, Count: 3}
)

// dialFunc opens a connection below TLS.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// socketDialer opens TCP connections with our keep-alive and user timeout.
func socketDialer(keep net.KeepAliveConfig) dialFunc {
	d := &net.Dialer{
		KeepAliveConfig: keep,
		Control: func(_, _ string, c syscall.RawConn) error {
			var fault error
			err := c.Control(func(fd uintptr) {
				fault = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
			})
			return errors.Join(err, fault)
		},
	}
	return d.DialContext
}

// dialer opens TLS connections to the first URL that answers.
type dialer struct {
	ends  []*endpoint
	tls   *tls.Config
	now   func() time.Time
	first atomic.Int32 // index of the URL that answered last
}

// open tries each URL once, the one that answered last first.
func (d *dialer) open(ctx context.Context, dial dialFunc) (*conn, error) {
	var faults []error
	for i := range d.ends {
		at := (int(d.first.Load()) + i) % len(d.ends)
		c, err := d.try(ctx, dial, d.ends[at])
		if err == nil {
			d.first.Store(int32(at))
			return c, nil
		}
		faults = append(faults, fmt.Errorf("connect to %s: %w", d.ends[at].host, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(faults...)
}

func (d *dialer) try(ctx context.Context, dial dialFunc, e *endpoint) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialLimit, errDialSlow)
	defer cancel()
	raw, err := d.reach(ctx, dial, e)
	if err != nil {
		return nil, cause(ctx, err)
	}
	cfg := d.tls.Clone()
	cfg.ServerName = e.name
	t := tls.Client(raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, cause(ctx, explain(err, d.now))
	}
	e.remember(raw.RemoteAddr())
	return newConn(t, raw, e), nil
}

var errDialSlow = fmt.Errorf("no connection within %s", dialLimit)

// cause says why ctx ended, if it did, for "i/o timeout" says less.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return fmt.Errorf("%w (%w)", c, err)
	}
	return err
}

// reach dials by name and, when the name can not be resolved, the addresses
// that worked before: a gateway's DNS is often gone before its uplink is.
func (d *dialer) reach(ctx context.Context, dial dialFunc, e *endpoint) (net.Conn, error) {
	c, err := dial(ctx, "tcp", e.addr)
	if _, dns := errors.AsType[*net.DNSError](err); !dns {
		return c, err
	}
	for _, addr := range e.addresses() {
		if c, fault := dial(ctx, "tcp", addr); fault == nil {
			return c, nil
		}
	}
	return nil, err
}

func (e *endpoint) addresses() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.known)
}

func (e *endpoint) remember(a net.Addr) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	addr := tcp.String()
	e.known = slices.DeleteFunc(e.known, func(k string) bool { return k == addr })
	e.known = slices.Insert(e.known, 0, addr)
	e.known = e.known[:min(len(e.known), maxKnown)]
}
