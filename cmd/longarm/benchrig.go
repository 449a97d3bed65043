package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"longarm/hw/clock"
	"longarm/push"
)

// rig is the smallest service that a device can talk to, with a stamp of
// CLOCK_MONOTONIC on what comes and goes. It holds each poll until release and
// says yes to all else at once; it stores nothing.
type rig struct {
	socket   net.Listener
	tls      *tls.Config
	dir      string
	accepted atomic.Int64 // connections so far

	arrivals chan arrival // a full one holds up the requests behind it
	over     chan struct{}
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// arrival is one request that has been read.
type arrival struct {
	at   time.Duration // when its header had been read
	path string
	conn *tls.Conn
	wire *stamped // below conn
}

// stamped notes when bytes are handed to the kernel, so that the service's own
// encryption is no part of what is measured.
type stamped struct {
	net.Conn
	wrote atomic.Int64 // CLOCK_MONOTONIC in ns, just before the last write
}

func (s *stamped) Write(b []byte) (int, error) {
	s.wrote.Store(clock.Monotonic().Nanoseconds())
	return s.Conn.Write(b)
}

// newRig listens on the loopback with a certificate of its own, kept in dir.
func newRig(ctx context.Context, dir string) (*rig, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the service's folder: %w", err)
	}
	s := serving{dir: dir}
	cert, err := s.certificate()
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, "key"), "bench-key-of-no-worth\n", 0o600); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	socket, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	r := &rig{socket: socket, dir: dir, conns: map[net.Conn]bool{},
		tls:      &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}},
		arrivals: make(chan arrival, 256), over: make(chan struct{})}
	r.running.Go(r.accept) // close waits for it
	return r, nil
}

func (r *rig) url() string     { return "https://" + r.socket.Addr().String() }
func (r *rig) caFile() string  { return filepath.Join(r.dir, fileCert) }
func (r *rig) keyFile() string { return filepath.Join(r.dir, "key") }

func (r *rig) accept() {
	for {
		c, err := r.socket.Accept()
		if err != nil {
			return // closed
		}
		r.accepted.Add(1)
		r.mu.Lock()
		r.conns[c] = true
		r.mu.Unlock()
		r.running.Go(func() {
			r.serve(&stamped{Conn: c})
			_ = c.Close()
			r.mu.Lock()
			delete(r.conns, c)
			r.mu.Unlock()
		})
	}
}

// serve reads the requests of one connection until it ends.
func (r *rig) serve(wire *stamped) {
	c := tls.Server(wire, r.tls)
	in := bufio.NewReader(c)
	yes := wholeReply(push.Reply{Success: true}.Append(nil))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		a := arrival{at: clock.Monotonic(), path: req.URL.Path, conn: c, wire: wire}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if !a.isPoll() {
			if _, err := c.Write(yes); err != nil {
				return
			}
		}
		select {
		case r.arrivals <- a:
		case <-r.over:
			return
		}
	}
}

func (a arrival) isPoll() bool { return strings.Count(a.path, "/") == 2 }

// wholeReply is a whole reply with the headers that our service sends.
func wholeReply(body []byte) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s: 1\r\nDate: %s\r\nContent-Length: %d\r\n\r\n%s",
		push.HeaderService, time.Now().UTC().Format(http.TimeFormat), len(body), body)
}

// release ends a held poll with a call and gives the time at which its bytes
// went to the kernel.
func (a arrival) release(c push.Call) (time.Duration, error) {
	if _, err := a.conn.Write(wholeReply(c.AppendReply(nil))); err != nil {
		return 0, fmt.Errorf("answer a poll: %w", err)
	}
	return time.Duration(a.wire.wrote.Load()), nil
}

// until shows each arrival to done until that says true.
func (r *rig) until(ctx context.Context, what string, done func(arrival) bool) error {
	timer := time.NewTimer(benchPatience)
	defer timer.Stop()
	for {
		select {
		case a := <-r.arrivals:
			if done(a) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return errors.New("waited too long for " + what)
		}
	}
}

// close ends all connections and waits for their goroutines.
func (r *rig) close() {
	close(r.over)
	_ = r.socket.Close() // ends accept
	r.mu.Lock()
	for c := range r.conns {
		_ = c.Close() // ends its reader
	}
	r.mu.Unlock()
	r.running.Wait()
}
