package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"longarm/push"
)

// pusher is a service that answers a held poll when it is told to, and notes
// when it did.
type pusher struct {
	fire chan struct{}  // one poll reply each
	sent chan time.Time // just before its bytes are written
}

func (p *pusher) serve(b *testing.B, id identity) net.Listener {
	b.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{id.cert}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	body := golden(b, "call.json")
	reply := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\nX-Longarm: 1\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go p.answer(c, reply)
		}
	}()
	return ln
}

func (p *pusher) answer(c net.Conn, reply []byte) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		if _, open := <-p.fire; !open {
			return
		}
		p.sent <- time.Now()
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// polls measures reply bytes at the service → call decoded, n times.
func (p *pusher) polls(b *testing.B, n int, poll func() error) []time.Duration {
	b.Helper()
	took := make([]time.Duration, 0, n)
	done := make(chan time.Time)
	for i := range n + 5 {
		go func() {
			if err := poll(); err != nil {
				b.Error(err)
			}
			done <- time.Now()
		}()
		time.Sleep(2 * time.Millisecond) // the poll is held, as in life
		p.fire <- struct{}{}
		at := <-p.sent
		if d := (<-done).Sub(at); i >= 5 { // the first ones dial
			took = append(took, d)
		}
	}
	return took
}

func p50(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// BenchmarkPollReply compares our client with the same loop on net/http, in
// alternating rounds of one run.
func BenchmarkPollReply(b *testing.B) {
	from, until := valid()
	id := newIdentity(b, from, until)
	p := &pusher{fire: make(chan struct{}), sent: make(chan time.Time, 1)}
	ln := p.serve(b, id)
	defer close(p.fire)
	cfg := testConfig(b, id)
	cfg.URLs = []string{"https://" + ln.Addr().String()}
	c, err := New(cfg, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(id.pem)
	std := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer std.CloseIdleConnections()

	ours := func() error { _, err := c.Poll(context.Background(), 1); return err }
	theirs := func() error {
		r, err := std.Get(cfg.URLs[0] + "/push/box1")
		if err != nil {
			return err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(io.LimitReader(r.Body, push.MaxBody))
		if err == nil {
			_, _, err = push.ParsePoll(r.StatusCode, body)
		}
		return err
	}
	var own, http []time.Duration
	for b.Loop() {
		own = append(own, p.polls(b, 50, ours)...)
		http = append(http, p.polls(b, 50, theirs)...)
	}
	b.ReportMetric(micros(p50(own)), "own-p50-us")
	b.ReportMetric(micros(p50(http)), "net/http-p50-us")
	b.ReportMetric(float64(p50(own))/float64(p50(http)), "ratio")
	if p50(own) > p50(http) {
		b.Errorf("own client p50 %v, net/http %v: want never above", p50(own), p50(http))
	}
}

// BenchmarkSignOff compares the warm connection with a fresh one: from the
// call of SignOff to the request at the service, and to its reply.
func BenchmarkSignOff(b *testing.B) {
	from, until := valid()
	id := newIdentity(b, from, until)
	arrived := make(chan time.Time, 1)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{id.cert}})
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	connections := make(chan struct{}, 1<<20)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			connections <- struct{}{}
			go func() {
				defer c.Close()
				br := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(br); err != nil {
						return
					}
					arrived <- time.Now()
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n"+`{"success":true,"message":""}`)
				}
			}()
		}
	}()
	cfg := testConfig(b, id)
	cfg.URLs = []string{"https://" + ln.Addr().String()}
	c, err := New(cfg, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	c.ArmSignOff("power-fail", 1)
	signOff := func() time.Duration {
		time.Sleep(2 * time.Millisecond) // both ends idle
		start := time.Now()
		if err := c.SignOff(context.Background(), "power-fail", 1); err != nil {
			b.Fatal(err)
		}
		return (<-arrived).Sub(start)
	}
	var warm, fresh []time.Duration
	for b.Loop() {
		if err := c.KeepWarm(context.Background()); err != nil {
			b.Fatal(err)
		}
		before := len(connections)
		for range 20 {
			warm = append(warm, signOff())
		}
		if n := len(connections) - before; n > 0 {
			b.Errorf("%d new connections while one was warm", n)
		}
		c.second.drop()
		c.second.dialer.tls.ClientSessionCache = nil // full handshakes
		for range 20 {
			fresh = append(fresh, signOff())
		}
	}
	b.ReportMetric(micros(p50(warm)), "warm-p50-us")
	b.ReportMetric(micros(p50(fresh)), "fresh-p50-us")
	b.ReportMetric(float64(p50(warm))/float64(p50(fresh)), "ratio")
	if p50(warm) > p50(fresh)/4 {
		b.Errorf("warm p50 %v, fresh %v: want at most a quarter", p50(warm), p50(fresh))
	}
}
