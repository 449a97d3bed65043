package trials

import (
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// powerLine says "lost" while it is high.
const powerLine = "GPIO27"

// fourOutputs are one of each contact, one that is active low, and one that holds.
const fourOutputs = twoOutputs + `
[[output]]
name = "fan"
chip = "CHIP"
line = "GPIO23"
active_low = true
[[output]]
name = "valve"
chip = "CHIP"
line = "GPIO24"
power_fail = "hold"
`

const (
	holdUp    = 2 * time.Second
	lostAfter = 20 * time.Millisecond
)

func powerFail(settings string) string {
	return "[power_fail]\nchip = \"CHIP\"\nline = \"" + powerLine + "\"\noutputs = \"safe\"\n" + settings + "\n"
}

// powered is a running box with a power-fail line, traced, and what the service tells of it.
func powered(t *testing.T, config string) (*field.Box, *field.States) {
	t.Helper()
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Install(t, g, field.Serve(t), config)
	heard := b.Service.Hear(t, b.Container.ID)
	b.TraceTCP()
	b.Up()
	heard.Await(t, "online", 10*time.Second)
	return b, heard
}

func power(t *testing.T, b *field.Box, lost bool) time.Duration {
	t.Helper()
	at, err := b.Pull(powerLine, map[bool]int{true: 1, false: 0}[lost])
	if err != nil {
		t.Fatalf("pull %s: %v", powerLine, err)
	}
	return at
}

// must does a call that has to succeed.
func must(t *testing.T, b *field.Box, data string) {
	t.Helper()
	if c := b.Do(data); c.State != "succeeded" {
		t.Fatalf("%s: %s, %s", data, c.State, c.Result.Message)
	}
}

// level waits until a line is at v.
func level(t *testing.T, b *field.Box, line string, v int) {
	t.Helper()
	if _, err := b.WaitValue(line, v, 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

// setTo is when a line was first set to v after at; ok is false when it never was.
func setTo(es []guest.Edge, v int, at time.Duration) (when time.Duration, ok bool) {
	i := slices.IndexFunc(es, func(e guest.Edge) bool { return e.At >= at && e.Val == v })
	if i < 0 {
		return 0, false
	}
	return es[i].At, true
}

// A power-fail, 20 times. The sign-off is the first that the agent writes after the edge:
// the box is quiet before, since the service has its last report. Its length is the same
// each time, and no other message's. An emulated CPU on a busy host wakes up late, whoever
// is to wake, so the agent is held against the simplest program that reacts to a line in
// the same guest: what is over that is the agent's own, and counts on a real box too. No
// round may take more than a quarter of hold_up, whatever the host was doing.
func TestPowerFailSignsOffAndGoesToSafe(t *testing.T) {
	const rounds = 20
	b, heard := powered(t, fourOutputs+powerFail(`hold_up = "2s"`+"\n"+`restored_after = "200ms"`))
	b.Reflex(26, 16)
	must(t, b, "valve on")
	var reflex, written, acked, safe field.Spread
	lengths := map[int]int{}
	for i := range rounds {
		for _, call := range []string{"lamp on", "fan on", "router off"} {
			must(t, b, call)
		}
		field.Until(t, "the report of the last call", 10*time.Second, func() bool {
			r := b.Report()
			return r.Load("lamp") == "on" && r.Load("fan") == "on" && r.Load("router") == "off"
		})
		b.ForgetTrace()
		reflex = append(reflex, react(t, b, 1-i%2))

		at := power(t, b, true)
		heard.Await(t, "signed-off power-fail", 10*time.Second)
		for line, v := range map[string]int{"GPIO17": 0, "GPIO22": 0, "GPIO23": 1, "GPIO24": 1} {
			level(t, b, line, v)
		}
		out, back := signOff(t, b, at)
		lengths[out.Len]++
		written, acked = append(written, out.At-at), append(acked, back-at)
		var last time.Duration
		for offset, v := range map[int]int{17: 0, 22: 0, 23: 1} {
			when, ok := setTo(b.Edges(offset), v, at)
			if !ok {
				t.Fatalf("round %d: GPIO%d was never set to %d", i, offset, v)
			}
			if when < out.At {
				t.Errorf("round %d: GPIO%d moved %v before the sign-off was written", i, offset, out.At-when)
			}
			last = max(last, when)
		}
		safe = append(safe, last-at)
		if es := b.Edges(24); len(es) > 0 {
			t.Errorf("round %d: the output that holds was set: %v", i, es)
		}
		if call, err := b.Service.SendFor(t, b.Container.ID, "lamp on", time.Minute); err == nil || !strings.Contains(err.Error(), "signed off: power-fail") {
			t.Errorf("round %d: a call to the dark box: %+v, %v; want it refused with the reason", i, call, err)
		}
		power(t, b, false)
		heard.Await(t, "online", 10*time.Second)
	}
	if len(lengths) != 1 {
		t.Errorf("lengths of the sign-offs: %v, want one", lengths)
	}
	assertSpreads(t, reflex, written, acked, safe)
	if n := b.Prop("NRestarts"); n != "0" {
		t.Errorf("the agent was restarted %s times", n)
	}
}

// assertSpreads prints and judges what was measured.
func assertSpreads(t *testing.T, reflex, written, acked, safe field.Spread) {
	t.Helper()
	field.Figure(t, "sign-off written "+written.String()+"; acknowledged "+acked.String()+
		"; outputs safe "+safe.String()+"; simplest reaction "+reflex.String())
	for _, s := range []field.Spread{written, safe} {
		t.Log("\n" + s.Bars(4*time.Millisecond))
		if s.At(1) > holdUp/4 {
			t.Errorf("took up to %v, want at most a quarter of hold_up %v", s.At(1), holdUp)
		}
	}
	own := 3 * reflex.At(0.5)
	if p50 := written.At(0.5); p50 > own {
		t.Errorf("sign-off written after %v, want at most %v: three times the simplest reaction", p50, own)
	}
	if p50 := safe.At(0.5); p50 > lostAfter+own {
		t.Errorf("outputs safe after %v, want at most lost_after and %v: three times the simplest reaction", p50, own)
	}
}

// react is how long the program reflex takes now.
func react(t *testing.T, b *field.Box, v int) time.Duration {
	t.Helper()
	at, err := b.Pull("GPIO26", v)
	if err != nil {
		t.Fatal(err)
	}
	level(t, b, "GPIO16", v)
	when, ok := setTo(b.Edges(16), v, at)
	if !ok {
		t.Fatal("the trace has no edge of the simplest reaction")
	}
	return when - at
}

// signOff is the first that the agent wrote after at, and when it read the reply to that.
func signOff(t *testing.T, b *field.Box, at time.Duration) (out field.Packet, reply time.Duration) {
	t.Helper()
	ps := b.Packets()
	i := slices.IndexFunc(ps, func(p field.Packet) bool { return p.Sent && p.At >= at })
	if i < 0 {
		t.Fatalf("nothing was sent after the edge: %v", ps)
	}
	j := slices.IndexFunc(ps[i:], func(p field.Packet) bool { return !p.Sent && p.Socket == ps[i].Socket })
	if j < 0 {
		t.Fatalf("nothing came back after the sign-off: %v", ps)
	}
	return ps[i], ps[i+j].At
}
