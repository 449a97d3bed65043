package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"longarm/push/engine/memory"
	"longarm/push/service"
)

// Bounds of the HTTP server. There is no write limit: a poll is held for 45 s
// (protocol.md 3) and an event stream for as long as somebody looks.
const (
	headerLimit = 10 * time.Second
	// keepAliveIdle is above the agent's own 60 s: who probes first spares the
	// other end its probes, and a device pays for bytes.
	keepAliveIdle = 75 * time.Second
	idleLimit     = time.Hour // a device's second connection waits for its sign-off; strangers' are closed at once
	headerBytes   = 16 << 10
	drainLimit    = 10 * time.Second       // of the polls and requests that are still open at the end
	lastWrites    = 250 * time.Millisecond // for the answers to requests that have just ended
	defaultPort   = ":8443"
	fileEngine    = "calls.log"
	fileLock      = "lock"
)

const serveHelp = `serve [-data DIR] [-listen ADDR] [-tls-cert FILE -tls-key FILE]

Runs the push service until SIGTERM, then lets go of the held polls and ends.
The first start makes a self-signed certificate and an admin token; the boxes and
the operators trust the certificate by its pin.

  longarm serve                                        all interfaces, port 8443
  longarm serve -data /srv/longarm -listen 127.0.0.1:0
  longarm serve -tls-cert fullchain.pem -tls-key privkey.pem -listen :443

DIR then holds tls.crt, tls.key, tls.pin, admin.token, listen.addr (while it runs)
and calls.log, which is all that the service must remember. Without -data it is
/var/lib/longarm-server for root, else $XDG_STATE_HOME/longarm-server, else
~/.local/state/longarm-server. Two services on one DIR are refused (exit code 5).
`

// serving is one run of the service.
type serving struct {
	c         command
	dir, addr string
	cert, key string
	log       *slog.Logger
}

func serve(ctx context.Context, c command) int {
	s := serving{c: c, log: slog.New(slog.NewTextHandler(c.stderr, nil))}
	f := c.newFlags("serve", serveHelp)
	f.StringVar(&s.dir, "data", defaultData(c.env), "keep everything in `DIR`")
	f.StringVar(&s.addr, "listen", defaultPort, "listen at `ADDR`, host:port; port 0 takes a free one")
	f.StringVar(&s.cert, "tls-cert", "", "the certificate chain, PEM `FILE`, instead of a self-signed one")
	f.StringVar(&s.key, "tls-key", "", "its private key, PEM `FILE`")
	nats := f.String("nats", "", "an external NATS cluster; not in this version")
	config := f.String("config", "", "alerts, a TOML `FILE`; not in this version")
	if _, code, done := f.parse(0, 0); done {
		return code
	}
	switch {
	case *nats != "":
		return f.wrong("-nats is not in this version: the service keeps its calls in -data, on one machine")
	case *config != "":
		return f.wrong("-config is not in this version: there are no alerts yet, so there is nothing that %s could set", *config)
	case (s.cert == "") != (s.key == ""):
		return f.wrong("-tls-cert and -tls-key go together")
	case s.dir == "":
		return f.wrong("-data must name a directory")
	}
	err := s.run(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(c.stderr, "longarm: %v\n", err)
	if held, ok := errors.AsType[*heldError](err); ok && held != nil || errors.Is(err, syscall.EADDRINUSE) {
		return exitInUse
	}
	return exitError
}

func (s *serving) path(name string) string { return filepath.Join(s.dir, name) }

// run opens what the service needs, from the lock to the socket, and closes it
// in the opposite order.
func (s *serving) run(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDir(s.path(fileLock), s.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	cert, err := s.certificate()
	if err != nil {
		return err
	}
	if err := os.Remove(s.path(fileAddr)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the address of the last run: %w", err)
	}
	engine, err := memory.Open(s.path(fileEngine), memory.Options{Log: s.log})
	if err != nil {
		return err
	}
	err = s.withEngine(ctx, engine, cert)
	return errors.Join(err, engine.Close())
}

// withEngine binds the socket, tells where it is, and serves.
func (s *serving) withEngine(ctx context.Context, engine *memory.Engine, cert tls.Certificate) error {
	svc, err := service.New(engine, service.Options{Log: s.log})
	if err != nil {
		return err
	}
	listen := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: 15 * time.Second, Count: 3}}
	socket, err := listen.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", s.addr, err)
	}
	if err := s.announce(ctx, svc, socket.Addr().String(), pinOf(cert.Leaf)); err != nil {
		return errors.Join(err, socket.Close())
	}
	err = s.serve(ctx, svc, socket, cert)
	return errors.Join(err, os.Remove(s.path(fileAddr)))
}

// announce writes the files that others read and greets the operator. The
// address comes last: whoever waits for it finds the rest.
func (s *serving) announce(ctx context.Context, svc *service.Service, addr, pin string) error {
	if err := writeFile(s.path(filePin), pin+"\n", 0o644); err != nil {
		return err
	}
	token, err := s.firstToken(ctx, svc)
	if err != nil {
		return err
	}
	if err := writeFile(s.path(fileAddr), addr+"\n", 0o644); err != nil {
		return err
	}
	s.greet(addr, token, pin)
	return nil
}

// firstToken makes the admin token at the first start and keeps it in a file
// for the operator; "" when there is one already.
func (s *serving) firstToken(ctx context.Context, svc *service.Service) (string, error) {
	token, created, err := svc.BootstrapToken(ctx)
	if err != nil || !created {
		return "", err
	}
	if err := writeFile(s.path(fileToken), token+"\n", 0o600); err != nil {
		return "", fmt.Errorf("the admin token is %s, keep it: %w", token, err) // there is no second chance to see it
	}
	return token, nil
}

func (s *serving) greet(addr, token, pin string) {
	w := s.c.stdout
	fmt.Fprintf(w, "Longarm %s listens at https://%s\n", versionText(), dialable(addr))
	fmt.Fprintf(w, "The pin of its certificate is %s (in %s)\n", pin, s.path(filePin))
	if token != "" {
		fmt.Fprintf(w, "First start: the admin token is %s (in %s, for your eyes only)\n", token, s.path(fileToken))
		fmt.Fprintf(w, "Next, on this machine: longarm container add NAME -data %s\n", s.dir)
	}
}

// serve answers requests until ctx ends or the service fails, then drains.
func (s *serving) serve(ctx context.Context, svc *service.Service, socket net.Listener, cert tls.Certificate) error {
	last := context.WithoutCancel(ctx) // timers outlive the signal, until drained
	timers, stopTimers := context.WithCancel(last)
	defer stopTimers()
	server := s.server(svc.Handler(), cert)
	failed := make(chan error, 2)
	var running sync.WaitGroup
	running.Go(func() {
		if err := svc.Run(timers); err != nil && timers.Err() == nil {
			failed <- fmt.Errorf("run the service: %w", err)
		}
	})
	running.Go(func() {
		if err := server.ServeTLS(socket, "", ""); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve: %w", err)
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, s.drain(last, svc, server))
	stopTimers()
	running.Wait()
	return err
}

// drain lets the held polls and the requests of those who showed a key end in
// good order. Nobody waits for strangers: half a header can last for ever.
func (s *serving) drain(ctx context.Context, svc *service.Service, server *http.Server) error {
	s.log.Info("draining", "limit", drainLimit)
	limit, done := context.WithTimeout(ctx, drainLimit)
	err := svc.Drain(limit)
	var closing sync.WaitGroup
	ended := make(chan struct{})
	closing.Go(func() { // lets nobody in any more and ends what is idle
		defer close(ended)
		_ = server.Shutdown(limit) // what it leaves open is closed below
	})
	if err := svc.Settle(limit); err != nil {
		s.log.Warn("some requests did not end in time", "err", err)
	}
	flush := time.NewTimer(lastWrites)
	defer flush.Stop()
	select {
	case <-ended:
	case <-flush.C:
	}
	done()
	closing.Wait()
	_ = server.Close() // its error is the listener's, which Shutdown has closed already
	return err
}

// server is HTTP/1.1 alone: the service takes over the connection of a held
// poll, which HTTP/2 does not allow.
func (s *serving) server(h http.Handler, cert tls.Certificate) *http.Server {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		Protocols:         &http1,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		ReadHeaderTimeout: headerLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(noHandshakes{s.log.Handler()}, slog.LevelWarn),
	}
}

// noHandshakes drops what strangers can write into the log at will: net/http reports
// each failed handshake.
type noHandshakes struct{ slog.Handler }

func (q noHandshakes) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "http: TLS handshake error") {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}
