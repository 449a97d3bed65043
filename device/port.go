package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Wire carries bytes to a serial device and back. ReadUntil returns as soon as
// there is a byte, or at the deadline 0 and os.ErrDeadlineExceeded. A Wire that
// also has Close is closed when it fails and at the end; any error but that one
// means that it failed.
type Wire interface {
	Flush() error // drops what came in unread
	Write(p []byte) error
	ReadUntil(p []byte, deadline time.Time) (int, error)
}

// PortOpener is a Hardware that has serial ports too. OpenPort sends nothing.
type PortOpener interface {
	OpenPort(s PortSpec) (Wire, error)
}

// KindAsk is the kind of an Action that sends bytes to a port.
const KindAsk = "ask"

// Limits of a port: bytes that `send TEXT` may send, and of a reply.
const (
	maxRaw   = 256
	maxReply = 4096
)

// port is one serial device: one exchange at a time, by its own goroutine,
// which alone touches the wire and keeps it open.
type port struct {
	spec  *PortSpec
	gap   time.Duration
	box   *Box
	ready []*exchange // as the spec's
	fault string      // why it is not usable: the spec, or this hardware
	jobs  chan *ask
	cable cable

	mu      sync.Mutex
	gone    error // why there is no wire
	running *ask
	latched bool // power-fail
}

// exchange is an ExchangeSpec made ready.
type exchange struct {
	send    []byte
	expect  *regexp.Regexp // nil: anything
	timeout time.Duration
	retries int
	silent  bool // no reply is right too
}

// ask is one exchange asked for.
type ask struct {
	*exchange
	call   string
	fresh  func() error
	over   chan struct{} // closed to end it early
	why    string        // set before over is closed
	answer chan *Answer  // cap 1
	sent   bool          // the worker's
}

func newPort(b *Box, s *PortSpec) *port {
	p := &port{spec: s, gap: cmp.Or(s.Gap, DefaultGap), box: b, jobs: make(chan *ask), gone: errors.New("not opened yet")}
	p.cable = cable{port: p}
	for i := range s.Exchanges {
		e := &s.Exchanges[i]
		x := &exchange{timeout: cmp.Or(e.Timeout, DefaultTimeout), retries: e.Retries}
		var err error
		if x.send, err = Unescape(e.Send); err == nil && e.Expect != "" {
			x.expect, err = Pattern(e.Expect)
		}
		if err != nil {
			p.fault = "not usable: exchange " + e.Name + ": " + err.Error()
		}
		p.ready = append(p.ready, x)
	}
	opener, ok := b.hw.(PortOpener)
	if !ok {
		p.fault = "not usable: this hardware has no serial ports"
	}
	p.cable.open = func() (Wire, error) { return opener.OpenPort(*s) }
	return p
}

func (p *port) name() string { return p.spec.Name }

func (p *port) check(c Command) error {
	_, err := p.find(c)
	return err
}

// find is the exchange that a command asks for.
func (p *port) find(c Command) (*exchange, error) {
	var asks []string
	for i := range p.spec.Exchanges {
		name := p.spec.Exchanges[i].Name
		if c.Verb == "ask" && len(c.Args) == 1 && c.Args[0] == name {
			return p.ready[i], nil
		}
		asks = append(asks, "ask "+name)
	}
	if p.spec.Raw {
		if c.Verb == "send" {
			return rawExchange(c)
		}
		asks = append(asks, `send TEXT with \r \n \t \xHH \\`)
	}
	known := strings.Join(asks, ", ")
	switch c.Verb {
	case "ask":
		return nil, fmt.Errorf("ask %s: %s has no such exchange, want %s", quote(strings.Join(c.Args, " ")), c.Target, known)
	case "send":
		return nil, fmt.Errorf("free bytes are not allowed on %s: want %s, or raw = true in the config", c.Target, known)
	}
	return nil, unknownVerb(c, "a port", known)
}

// rawExchange is `send TEXT`; words are joined by one space each.
func rawExchange(c Command) (*exchange, error) {
	send, err := Unescape(strings.Join(c.Args, " "))
	if err == nil && (len(send) == 0 || len(send) > maxRaw) {
		err = fmt.Errorf(`send to %s: %d bytes, want 1 to %d, such as send Q1\r`, c.Target, len(send), maxRaw)
	}
	return &exchange{send: send, timeout: DefaultTimeout, silent: true}, err
}

func (p *port) do(ctx context.Context, c Command, m Meta) *Answer {
	x, _ := p.find(c) // check has seen to it
	a := &ask{exchange: x, call: m.Call, fresh: m.Fresh, over: make(chan struct{}), answer: make(chan *Answer, 1)}
	p.box.askLockout()
	if why := cmp.Or(p.fault, p.take(a)); why != "" {
		return said(Refused, why)
	}
	defer p.leave()
	if ctx.Err() != nil {
		return said(Failed, "not started: "+context.Cause(ctx).Error())
	}
	if m.Begin != nil {
		if err := m.Begin(ctx, Action{Target: c.Target, Verb: c.Verb, Kind: KindAsk}); err != nil {
			return said(Refused, err.Error())
		}
	}
	select {
	case p.jobs <- a:
	case <-a.over:
		return said(Failed, a.why+", nothing was sent")
	case <-p.box.closed:
		return said(Failed, "ended by stop, nothing was sent")
	}
	select {
	case ans := <-a.answer:
		return ans
	case <-p.box.closed: // the device hangs
	}
	return said(Unknown, "ended by stop while the port was at work")
}

// take gives the port to one call; why says what is in its way.
func (p *port) take(a *ask) (why string) {
	locked := p.box.LockedOut()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case locked != "":
		return locked
	case p.latched:
		return "power: the supply has failed, nothing is sent"
	case p.running != nil:
		return "busy: exchange of call " + p.running.call
	}
	p.running = a
	p.box.signal()
	return ""
}

func (p *port) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = nil
	p.box.signal()
}

// end ends what runs; latch refuses what comes.
func (p *port) end(why string, latch bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latched = latch
	if a := p.running; a != nil && a.why == "" && why != "" {
		a.why = why
		close(a.over)
	}
}

// ended says that the ask shall end early.
func (a *ask) ended() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// state is the port as its worker sees it. It has no load.
func (p *port) state() TargetState {
	s := TargetState{Name: p.spec.Name, Kind: "port", Load: string(LoadUnknown), Proof: "sent", Detail: p.fault}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.fault != "":
	case p.gone != nil:
		s.Detail = "offline: " + p.gone.Error()
	case p.running != nil:
		s.Detail = "exchange of call " + p.running.call
	}
	return s
}

// see notes whether there is a wire.
func (p *port) see(gone error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if (gone == nil) != (p.gone == nil) || gone != nil && gone.Error() != p.gone.Error() {
		p.box.signal()
	}
	p.gone = gone
}
