package device

import (
	"errors"
	"os"
	"time"
	"unicode/utf8"
)

// slice is how long a read goes on before it is seen whether the ask has ended.
const slice = 100 * time.Millisecond

// serve does one ask, again where that is allowed.
func (p *port) serve(a *ask) (ans *Answer) {
	start := time.Now()
	for try := range a.retries + 1 {
		if ans = p.once(a, try == 0); ans.State != Failed || a.ended() || !a.sent {
			break
		}
	}
	ans.TookMS = time.Since(start).Milliseconds()
	return ans
}

// once sends and reads. As soon as a byte may be on its way, a wire that fails
// leaves the outcome unknown.
func (p *port) once(a *ask, first bool) *Answer {
	c := &p.cable
	defer p.guard(a.timeout)()
	err := c.connect()
	if err == nil && !c.turn(a) {
		return said(Failed, a.why+", nothing was sent")
	}
	if err == nil && first { // right before the first byte
		if why := p.box.LockedOut(); why != "" {
			return said(Refused, why)
		}
		if a.fresh != nil {
			if err := a.fresh(); err != nil {
				return said(Expired, err.Error())
			}
		}
	}
	if err == nil {
		if err = c.wire.Flush(); err != nil {
			c.drop(err)
		}
	}
	if err != nil {
		return said(Failed, "offline, nothing was sent: "+err.Error())
	}
	a.sent = true
	err = c.wire.Write(a.send)
	c.next = time.Now().Add(p.gap)
	if err != nil {
		c.drop(err)
		return said(Unknown, "the device vanished while it was written to: "+err.Error())
	}
	return p.reply(a)
}

// turn waits until the device may be spoken to again.
func (c *cable) turn(a *ask) bool {
	timer := time.NewTimer(time.Until(c.next))
	defer timer.Stop()
	select {
	case <-timer.C:
		return !a.ended()
	case <-a.over:
		return false
	}
}

// reply reads until the pattern fits, the time is over or the ask has ended.
func (p *port) reply(a *ask) *Answer {
	c := &p.cable
	deadline := time.Now().Add(a.timeout)
	var got heard
	var buf [256]byte
	for {
		until := deadline
		if a.expect == nil && len(got.raw) > 0 { // a pause ends what has no pattern
			until = minTime(deadline, got.at.Add(p.gap))
		}
		n, err := c.wire.ReadUntil(buf[:], minTime(until, time.Now().Add(slice)))
		got.add(buf[:n])
		c.next = time.Now().Add(p.gap)
		over := !time.Now().Before(until)
		anything := a.expect == nil && (a.silent || len(got.raw) > 0)
		whole, vanished := got.fits(a), err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		if vanished {
			c.drop(err)
		}
		why := ""
		switch {
		case whole:
		case vanished:
			return said(Unknown, "the device vanished before its reply"+got.soFar()+": "+err.Error())
		case len(got.raw) > maxReply:
			why = "the reply is longer than 4 KiB"
		case a.ended():
			why = a.why + "; the bytes were sent"
		case !over:
			continue
		case anything:
		case len(got.raw) == 0:
			why = "no reply within " + words(a.timeout)
		default:
			why = "no reply that fits within " + words(a.timeout)
		}
		if why != "" {
			return said(Failed, why+got.soFar())
		}
		return p.done(a, &got)
	}
}

// done is the answer to a reply that fits.
func (p *port) done(a *ask, got *heard) *Answer {
	ans := said(Done, "")
	if !a.silent {
		ans.Proof = "acked"
	}
	if p.spec.simulated() {
		ans.Proof = "sim"
	}
	ans.Reply, ans.Detail = got.named(a.expect)
	if len(got.raw) == 0 {
		ans.Detail = "nothing came back within " + words(a.timeout)
	}
	return ans
}

// heard is what came in so far. text has a rune for each byte, so that a
// pattern's \xHH means that byte and "." any.
type heard struct {
	raw, text []byte
	at        time.Time // of the last byte
	match     []int
}

func (h *heard) add(p []byte) {
	if len(p) > 0 {
		h.at = time.Now()
	}
	h.raw = append(h.raw, p...)
	for _, b := range p {
		h.text = utf8.AppendRune(h.text, rune(b))
	}
}

// fits says that the pattern does.
func (h *heard) fits(a *ask) bool {
	if a.expect != nil && len(h.raw) <= maxReply {
		h.match = a.expect.FindSubmatchIndex(h.text)
	}
	return h.match != nil
}

func (h *heard) soFar() string {
	if len(h.raw) == 0 {
		return ""
	}
	return ", got " + cut(printable(h.raw), maxShown)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
