package trials

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
	"longarm/push"
)

// What design section 4 promises of the poll's path, and what a guest on a busy host may
// take besides.
const (
	noticed   = 35 * time.Second
	dialLimit = 10 * time.Second // of an attempt that was under way when the path came back
	leeway    = 5 * time.Second  // of a handshake, and of what wakes late
)

// reachable is a box that the service has heard, whose TCP is traced. When t fails its log
// is shown.
func reachable(t *testing.T) *field.Box {
	t.Helper()
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Install(t, g, field.Serve(t), twoOutputs)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent's log:\n%s", b.Log())
		}
	})
	b.TraceTCP()
	return b
}

// TestBlackHole: the path swallows everything while the cable is in. The box notices within
// 35 s and is back within one back-off. What was sent into the hole is done once or expires.
func TestBlackHole(t *testing.T) {
	b := reachable(t)
	b.Up()
	pid := b.Prop("MainPID")
	serves(t, b, "router read") // the poll before has ended, the next begins
	at := pathOpen(t, b, false)
	owed := queue(t, b, "lamp on", 3*time.Minute)      // goes into the poll that nobody hears any more
	short := queue(t, b, "router off", 15*time.Second) // waits for the next one
	lost := lostPoll(t, b, at)
	if c := b.Service.Follow(t, short.MessageID, 20*time.Second); c.State != "expired" {
		t.Errorf("a call of 15 s in the dark: %+v, want expired", c)
	}
	field.Until(t, "the service has let go of the dead poll", time.Minute, func() bool { return b.Now() > at+push.Hold+3*time.Second })
	late := queue(t, b, "router cycle 500ms", 3*time.Minute)
	backAgain(t, b, lost, pathOpen(t, b, true))
	if c := ended(t, b, owed); c.State != "succeeded" {
		t.Errorf("the call that went into the dead poll: %+v, want it done after all", c)
	}
	if c := ended(t, b, late); c.State != "succeeded" {
		t.Errorf("the call that waited in the dark: %+v, want it done", c)
	}
	for offset, want := range map[int]int{22: 1, 17: 2} {
		if moves := b.Moves(offset, 0); len(moves) != want {
			t.Errorf("line %d moved %d times, want %d: %v", offset, len(moves), want, moves)
		}
	}
	sameProcess(t, b, pid)
}

// TestShortBlackHole: a hole that is over before anybody noticed loses nothing, and a call
// that comes out of it too late moves nothing, although its box can't know how long it was
// on its way.
func TestShortBlackHole(t *testing.T) {
	b := reachable(t)
	b.Up()
	pid := b.Prop("MainPID")
	serves(t, b, "router read")
	at := pathOpen(t, b, false)
	stale := queue(t, b, "lamp on", 4*time.Second)
	field.Until(t, "the call's life is over", 20*time.Second, func() bool { return b.Now() > at+6*time.Second })
	pathOpen(t, b, true)
	b.Saying("call done", at, noticed) // the bytes are sent again, and come
	if c := b.Service.Follow(t, stale.MessageID, 10*time.Second); c.State != "expired" {
		t.Errorf("a call that was on its way for longer than its life: %+v, want expired", c)
	}
	if moves := b.Moves(22, 0); len(moves) != 0 {
		t.Errorf("it moved the lamp: %v", moves)
	}
	serves(t, b, "lamp on")
	if said := b.Said("service not reached", at); len(said) > 0 {
		t.Errorf("the poll was lost: %v", said)
	}
	sameProcess(t, b, pid)
}

// TestLinkDownAndUp: the cable is out for a moment, and nothing is lost; it is out for long,
// and the box notices in time and is back as soon as it can be.
func TestLinkDownAndUp(t *testing.T) {
	b := reachable(t)
	b.Up()
	pid := b.Prop("MainPID")
	cable := func(in bool) time.Duration {
		t.Helper()
		at := b.Now()
		if err := b.SetLink(in); err != nil {
			t.Fatal(err)
		}
		field.Until(t, "the guest sees its cable", 10*time.Second, func() bool {
			_, code, err := b.Run("/bin/sh", "-c", "ip -4 addr show dev eth0 | grep -q 'inet 10'")
			return err == nil && (code == 0) == in
		})
		return at
	}
	serves(t, b, "router read")
	at := cable(false)
	call := queue(t, b, "lamp on", time.Minute)
	cable(true)
	if c := b.Service.Follow(t, call.MessageID, 50*time.Second); c.State != "succeeded" {
		t.Errorf("a call while the cable was out for a moment: %+v, want it done", c)
	}
	if said := b.Said("service not reached", at); len(said) > 0 {
		t.Errorf("the poll was lost: %v", said)
	}

	at = cable(false)
	lost := lostPoll(t, b, at)
	up := cable(true)
	backAgain(t, b, lost, up)
	serves(t, b, "lamp off")
	if moves := b.Moves(22, 0); len(moves) != 2 {
		t.Errorf("the lamp moved %d times, want on and off: %v", len(moves), moves)
	}
	sameProcess(t, b, pid)
}

// TestAddressChange: the box gets another address. Its connections are worth nothing any
// more, which it notices as it notices a hole.
func TestAddressChange(t *testing.T) {
	b := reachable(t)
	b.Up()
	pid := b.Prop("MainPID")
	serves(t, b, "router read")
	at := b.Now()
	b.Sh("sed -i s/10.0.2.15/10.0.2.16/ /etc/systemd/network/eth0.network && networkctl reload && networkctl reconfigure eth0")
	field.Until(t, "the box has the other address", 10*time.Second, func() bool {
		_, code, err := b.Run("/bin/sh", "-c", "ip -4 addr show dev eth0 | grep -q 10.0.2.16 && ! ip -4 addr show dev eth0 | grep -q 10.0.2.15")
		return err == nil && code == 0
	})
	call := queue(t, b, "lamp on", 3*time.Minute)
	lost := lostPoll(t, b, at)
	backAgain(t, b, lost, lost)
	if c := ended(t, b, call); c.State != "succeeded" {
		t.Errorf("the call that went to the old address: %+v, want it done after all", c)
	}
	if moves := b.Moves(22, 0); len(moves) != 1 {
		t.Errorf("the lamp moved %d times, want once: %v", len(moves), moves)
	}
	if own := b.Sh("ss -tnH state established dport = :" + b.Service.Port); !strings.Contains(own, "10.0.2.16:") {
		t.Errorf("connections with the service: %s, want them from the new address", own)
	}
	sameProcess(t, b, pid)
}

// TestNameServerComesLate: the box starts before its resolver, as after a power failure in
// the whole street.
func TestNameServerComesLate(t *testing.T) {
	b := reachable(t)
	field.Program(t, b.Guest, "./lab/names", "/run/names")
	b.Sh("echo nameserver 127.0.0.1 > /etc/resolv.conf")
	b.ConfigureVia(fmt.Sprintf("url = \"https://push.lab.test:%s\"\npins = [%q]", b.Service.Port, b.Service.Pin), twoOutputs)
	b.Sh("systemctl start " + field.Unit)
	pid := b.Prop("MainPID")
	lost := b.Saying("service not reached", 0, 30*time.Second)
	if err := lost.Value("err"); !strings.Contains(err, "lookup push.lab.test") {
		t.Errorf("the agent says %q, want the name that it can't look up", err)
	}
	field.Until(t, "the back-off has grown", 30*time.Second, func() bool { return b.Now() > lost.At+7*time.Second })
	if text := b.Prop("StatusText"); !strings.Contains(text, "not connected to push.lab.test") {
		t.Errorf("the status line is %q", text)
	}
	call := queue(t, b, "lamp on", 3*time.Minute)
	up := b.Now()
	b.Sh("systemd-run --unit=names /run/names 127.0.0.1:53 " + field.GuestHost)
	backAgain(t, b, lost.At, up)
	if c := ended(t, b, call); c.State != "succeeded" {
		t.Errorf("the call that waited: %+v, want it done", c)
	}
	sameProcess(t, b, pid)
}

// pathOpen lets the guest's packets through, or vanish, and tells from when on.
func pathOpen(t *testing.T, b *field.Box, open bool) time.Duration {
	t.Helper()
	at := b.Now()
	if err := b.BlackHole(!open); err != nil {
		t.Fatal(err)
	}
	return at
}

// lostPoll waits until the agent says that its poll is lost, and wants that in time. It
// gives the time.
func lostPoll(t *testing.T, b *field.Box, since time.Duration) time.Duration {
	t.Helper()
	line := b.Saying("service not reached", since, noticed+30*time.Second)
	after := line.At - since
	field.Figure(t, "noticed after "+after.Round(100*time.Millisecond).String())
	if after > noticed+time.Second { // of a busy host, until the line is logged
		t.Errorf("noticed after %v, want within %v", after, noticed)
	}
	return line.At
}

// backAgain waits until the agent hears the service again, and wants that within one back-off
// after up, the time at which the path came back.
func backAgain(t *testing.T, b *field.Box, lost, up time.Duration) {
	t.Helper()
	heard := b.Reached(up, 2*time.Minute+dialLimit) - up
	if c := ended(t, b, queue(t, b, "agent status", time.Minute)); c.State != "succeeded" {
		t.Errorf("a call after that: %+v, want it done", c)
	}
	again := b.Saying("service reached again", lost, 20*time.Second)
	failures, err := strconv.Atoi(again.Value("failures"))
	if err != nil {
		t.Fatalf("%q: %v", again.Text, err)
	}
	pause := min(time.Second<<failures, 2*time.Minute)
	field.Figure(t, fmt.Sprintf("back after %v, the back-off at %d failures is up to %v", heard.Round(100*time.Millisecond), failures, pause))
	if heard > pause+dialLimit+leeway {
		t.Errorf("back after %v, want within one back-off, at most %v, and the attempt under way", heard, pause)
	}
}

// ended waits for the end of a call; unanswered is not one (protocol.md 4).
func ended(t *testing.T, b *field.Box, call field.Call) (c field.Call) {
	t.Helper()
	field.Until(t, "the call is closed", 90*time.Second, func() bool {
		c = b.Service.Follow(t, call.MessageID, time.Second)
		return c.At.Closed != ""
	})
	return c
}

func queue(t *testing.T, b *field.Box, data string, ttl time.Duration) field.Call {
	t.Helper()
	c, err := b.Service.SendFor(t, b.Container.ID, data, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serves(t *testing.T, b *field.Box, data string) {
	t.Helper()
	if c := b.Do(data); c.State != "succeeded" {
		t.Fatalf("%s: %+v, want it done", data, c)
	}
}
