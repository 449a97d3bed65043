package device

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cord is a serial device in memory, and the path that leads to it.
type cord struct {
	mu     sync.Mutex
	opens  int
	absent error // of opening
	broken error // the device was pulled: of every use
	wrote  []string
	at     []time.Time
	heard  func(c *cord, sent string) // what the device does about it
	in     []byte
	came   chan struct{} // cap 1
	flush  error
	write  error
}

func (c *cord) with(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// say lets the device send bytes after a while.
func (c *cord) say(after time.Duration, text string) {
	time.AfterFunc(after, func() { c.with(func() { c.in = append(c.in, text...) }) })
}

// pull unplugs the device after a while; it stays away.
func (c *cord) pull(after time.Duration) {
	time.AfterFunc(after, func() { c.with(func() { c.broken, c.absent = errors.New("unplugged"), os.ErrNotExist }) })
}

func (c *cord) plug() { c.with(func() { c.broken, c.absent = nil, nil }) }

func (c *cord) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = nil
	return errors.Join(c.broken, c.flush)
}

func (c *cord) Write(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := errors.Join(c.broken, c.write); err != nil {
		return err
	}
	c.wrote, c.at = append(c.wrote, string(p)), append(c.at, time.Now())
	if c.heard != nil {
		c.heard(c, string(p))
	}
	return nil
}

func (c *cord) ReadUntil(p []byte, deadline time.Time) (int, error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for late := false; ; {
		c.mu.Lock()
		n := copy(p, c.in)
		c.in = c.in[n:]
		err := c.broken
		c.mu.Unlock()
		switch {
		case err != nil:
			return n, err
		case n > 0:
			return n, nil
		case late:
			return 0, os.ErrDeadlineExceeded
		}
		select {
		case <-c.came:
		case <-timer.C:
			late = true
		}
	}
}

// wired is a rig with serial ports.
type wired struct {
	*rig
	cord *cord
}

func (w wired) OpenPort(PortSpec) (Wire, error) {
	w.cord.mu.Lock()
	defer w.cord.mu.Unlock()
	w.cord.opens++
	if w.cord.absent != nil {
		return nil, w.cord.absent
	}
	return w.cord, nil
}

var ups = PortSpec{Name: "ups", Device: "/dev/ups", Exchanges: []ExchangeSpec{
	{Name: "status", Send: `Q1\r`, Expect: `^\((?P<input>\S+) (?P<load>\d+)\r`},
	{Name: "beep", Send: `B\x00`},
	{Name: "level", Send: "L", Expect: "#", Retries: 2, Timeout: 500 * time.Millisecond},
	{Name: "slow", Send: "S", Expect: "#", Timeout: time.Minute},
}}

func serialBox(t *testing.T, s PortSpec) wired {
	w := wired{newRig(t, Spec{Outputs: []OutputSpec{pump}}), &cord{came: make(chan struct{}, 1)}}
	w.box = New(Spec{Outputs: []OutputSpec{pump}, Ports: []PortSpec{s}}, w, Options{})
	w.open().run()
	synctest.Wait()
	return w
}

// answering makes the device answer each exchange after a while.
func (w wired) answering(after time.Duration, replies map[string]string) {
	w.cord.with(func() {
		w.cord.heard = func(c *cord, sent string) {
			if r, ok := replies[sent]; ok {
				c.say(after, r)
			}
		}
	})
}

func TestAskAPort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		if len(w.cord.wrote) != 0 || w.cord.opens != 1 {
			t.Fatalf("opened %d times, wrote %q; want once and nothing", w.cord.opens, w.cord.wrote)
		}
		w.answering(80*time.Millisecond, map[string]string{"Q1\r": "(230.1 042\r", "B\x00": "ok\xff\r\n"})
		w.cord.say(0, "stale")
		later(time.Second)
		ans := w.want(w.do("ups ask status"), Done, "input=230.1 load=042")
		if !maps.Equal(ans.Reply, map[string]string{"input": "230.1", "load": "042"}) || ans.Proof != "acked" || ans.TookMS != 80 || ans.Load != "unknown" || ans.Target != "ups" || ans.Verb != "ask" {
			t.Errorf("got %+v", ans)
		}
		ans = w.want(w.do("ups ask beep"), Done, `ok\xff\r\n`) // no pattern: ended by a pause
		if ans.Reply != nil || ans.TookMS != 180 {             // the gap before it, the reply, the pause
			t.Errorf("got %+v", ans)
		}
		if got := fmt.Sprintf("%q", w.cord.wrote); got != `["Q1\r" "B\x00"]` {
			t.Errorf("wrote %s", got)
		}
		if s := w.reported("ups"); s != (TargetState{Name: "ups", Kind: "port", Load: "unknown", Proof: "sent"}) {
			t.Errorf("report: %+v", s)
		}
	})
}

func TestPortReplyThatDoesNotFit(t *testing.T) {
	for name, test := range map[string]struct {
		ask, reply string
		detail     string
		took       time.Duration
		sent       int
	}{
		"none":           {"status", "", "no reply within 1s", time.Second, 1},
		"another":        {"status", "NAK\r", `no reply that fits within 1s, got NAK\r`, time.Second, 1},
		"half":           {"status", "(230.1", `no reply that fits within 1s, got (230.1`, time.Second, 1},
		"none, any will": {"beep", "", "no reply within 1s", time.Second, 1},
		"retried":        {"level", "?", "no reply that fits within 500ms, got ?", 1600 * time.Millisecond, 3}, // and two gaps
		"endless":        {"slow", strings.Repeat("\x01", 5000), `the reply is longer than 4 KiB, got \x01\x01`, 100 * time.Millisecond, 1},
	} {
		bubble(t, func(t *testing.T) {
			w := serialBox(t, ups)
			w.cord.with(func() {
				w.cord.heard = func(c *cord, _ string) { c.say(50*time.Millisecond, test.reply) }
			})
			start := time.Now()
			ans := w.want(w.do("ups ask "+test.ask), Failed, test.detail)
			if took := time.Since(start); took > test.took || len(w.cord.wrote) != test.sent {
				t.Errorf("%s: took %s, sent %d times, want %s and %d", name, took, len(w.cord.wrote), test.took, test.sent)
			}
			if len(ans.Detail) > maxShown+100 || ans.Proof != "sent" {
				t.Errorf("%s: %d bytes of detail, proof %s", name, len(ans.Detail), ans.Proof)
			}
		})
	}
}

func TestPortRetriesUntilAReplyFits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		w.cord.with(func() {
			w.cord.heard = func(c *cord, _ string) {
				if len(c.wrote) == 2 {
					c.say(0, "#")
				}
			}
		})
		w.want(w.do("ups ask level"), Done, "#")
		if len(w.cord.wrote) != 2 {
			t.Errorf("sent %d times, want 2", len(w.cord.wrote))
		}
	})
}

func TestPortKeepsTheGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := ups
		s.Gap = 300 * time.Millisecond
		w := serialBox(t, s)
		w.answering(0, map[string]string{"L": "#"})
		for range 3 {
			w.want(w.do("ups ask level"), Done, "#")
		}
		for i := range 2 {
			if gap := w.cord.at[i+1].Sub(w.cord.at[i]); gap != 300*time.Millisecond {
				t.Errorf("gap %s, want 300ms", gap)
			}
		}
	})
}

// Vanished before anything was sent: failed. From the write on: unknown. After
// the whole reply: done. Then it is opened again by its path.
func TestPortVanishes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		w.cord.with(func() { w.cord.heard = func(c *cord, _ string) { c.say(0, "(23"); c.pull(100 * time.Millisecond) } })
		w.want(w.do("ups ask status"), Unknown, "the device vanished before its reply, got (23: unplugged")
		if d := w.reported("ups").Detail; d != "offline: unplugged" {
			t.Errorf("report %q", d)
		}
		later(time.Minute)
		if d := w.reported("ups").Detail; d != "offline: file does not exist" {
			t.Errorf("report %q", d)
		}
		if n := w.cord.opens; n < 12 || n > 40 {
			t.Errorf("opened %d times in a minute, want about 15", n)
		}
		w.want(w.do("ups ask status"), Failed, "offline, nothing was sent: file does not exist")
		w.cord.plug()
		later(6 * time.Second)
		if d := w.reported("ups").Detail; d != "" {
			t.Errorf("report %q", d)
		}
		w.answering(0, map[string]string{"Q1\r": "(1 2\r"})
		w.want(w.do("ups ask status"), Done, "input=1 load=2")
	})
	bubble(t, func(t *testing.T) { // while nothing is asked
		w := serialBox(t, ups)
		w.cord.pull(0)
		later(3 * time.Second)
		if d := w.reported("ups").Detail; !strings.HasPrefix(d, "offline: ") {
			t.Errorf("report %q, want that an idle port is seen to be gone", d)
		}
		w.want(w.do("ups ask status"), Failed, "offline, nothing was sent")
		if len(w.cord.wrote) > 0 {
			t.Errorf("wrote %q", w.cord.wrote)
		}
	})
	bubble(t, func(t *testing.T) { // with the last byte
		w := serialBox(t, ups)
		w.cord.with(func() {
			w.cord.heard = func(c *cord, _ string) {
				c.in = append(c.in, "(1 2\r"...)
				c.broken = errors.New("unplugged")
			}
		})
		w.want(w.do("ups ask status"), Done, "input=1 load=2")
	})
	for _, test := range []struct {
		flush, write error
		state        string
		detail       string
	}{
		{errors.New("gone"), nil, Failed, "offline, nothing was sent: gone"},
		{nil, errors.New("gone"), Unknown, "the device vanished while it was written to: gone"},
		{nil, os.ErrDeadlineExceeded, Unknown, "the device vanished while it was written to"},
	} {
		bubble(t, func(t *testing.T) {
			w := serialBox(t, ups)
			w.cord.with(func() { w.cord.flush, w.cord.write = test.flush, test.write })
			w.want(w.do("ups ask level"), test.state, test.detail) // retries do not repeat what may have arrived
			if len(w.cord.wrote) > 0 {
				t.Errorf("wrote %q", w.cord.wrote)
			}
		})
	}
}

func TestPortIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		slow := w.send("ups ask slow", Meta{})
		synctest.Wait()
		w.want(w.do("ups ask status"), Refused, "busy: exchange of call c1")
		if d := w.reported("ups").Detail; d != "exchange of call c1" {
			t.Errorf("report %q", d)
		}
		w.want(w.do("pump pulse 1s"), Done, "") // nobody else waits
		w.cord.say(0, "#")
		w.want(<-slow, Done, "#")
	})
}

// A stop and a power-fail end an exchange at once; nothing new is sent.
func TestWhatEndsAnExchange(t *testing.T) {
	for want, end := range map[string]func(w wired){
		"power; the bytes were sent":         func(w wired) { w.box.PowerFail(w.t.Context(), true) },
		"ended by stop; the bytes were sent": func(w wired) { _ = w.stop() },
	} {
		bubble(t, func(t *testing.T) {
			w := serialBox(t, ups)
			slow := w.send("ups ask slow", Meta{})
			later(time.Second)
			start := time.Now()
			end(w)
			w.want(<-slow, Failed, want)
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s: took %s", want, took)
			}
			if ans := w.do("ups ask status"); ans.State == Done {
				t.Errorf("%s: asked again: %+v", want, ans)
			}
			if len(w.cord.wrote) != 1 {
				t.Errorf("%s: wrote %q", want, w.cord.wrote)
			}
		})
	}
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		w.box.PowerFail(t.Context(), true)
		w.want(w.do("ups ask status"), Refused, "power: the supply has failed, nothing is sent")
		w.box.PowerFail(t.Context(), false)
		w.answering(0, map[string]string{"L": "#"})
		w.want(w.do("ups ask level"), Done, "#")
	})
}

// A lock-out refuses every byte, also one that waited while it came.
func TestPortIsLockedOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		lockout := &fakeInput{edge: func(bool) {}}
		w.box.lockout = newInput(w.box, InputSpec{Name: lockoutName})
		w.box.lockout.level, w.box.lockout.fault, w.box.lockout.known = lockout, nil, true
		w.answering(0, map[string]string{"L": "#"})
		w.want(w.do("ups ask level"), Done, "#")
		begin := func(context.Context, Action) error { lockout.active = true; w.box.askLockout(); return nil }
		w.want(<-w.send("ups ask level", Meta{Begin: begin}), Refused, "locked out on site")
		w.want(w.do("ups ask level"), Refused, "locked out on site")
		if len(w.cord.wrote) != 1 {
			t.Errorf("wrote %q", w.cord.wrote)
		}
	})
}

// An exchange is journaled before its first byte, and is not sent when that is
// refused or too late.
func TestPortBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		w.answering(0, map[string]string{"L": "#"})
		var begun []Action
		begin := func(_ context.Context, a Action) error {
			begun = append(begun, a)
			if len(w.cord.wrote) > 0 {
				t.Error("sent before it was journaled")
			}
			return nil
		}
		w.want(<-w.send("ups ask level", Meta{Begin: begin}), Done, "#")
		if len(begun) != 1 || begun[0] != (Action{Target: "ups", Verb: "ask", Kind: KindAsk}) {
			t.Errorf("begun %+v", begun)
		}
		w.want(<-w.send("ups ask level", Meta{Begin: func(context.Context, Action) error { return errors.New("no room") }}), Refused, "no room")
		w.want(<-w.send("ups ask level", Meta{Fresh: func() error { return errors.New("too late") }}), Expired, "too late")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.want(w.box.Do(ctx, w.command("ups ask level"), Meta{}), Failed, "not started: context canceled")
		if len(w.cord.wrote) != 1 {
			t.Errorf("wrote %q", w.cord.wrote)
		}
	})
}

func TestPortWords(t *testing.T) {
	free := ups
	free.Name, free.Raw = "free", true
	for text, want := range map[string]string{
		"ups ask":               `ask "": ups has no such exchange, want ask status, ask beep, ask level, ask slow`,
		"ups ask status beep":   `ask "status beep": ups has no such exchange`,
		"ups ask other":         `ask "other": ups has no such exchange, want ask status`,
		"ups send Q1":           "free bytes are not allowed on ups: want ask status, ask beep, ask level, ask slow, or raw = true",
		"ups read":              `unknown verb "read": ups, a port, knows ask status, ask beep, ask level, ask slow`,
		"free send":             `send to free: 0 bytes, want 1 to 256, such as send Q1\r`,
		`free send \q`:          `escape "\\q": want \r, \n, \t, \xHH or \\`,
		"free send " + long:     "send to free: 257 bytes, want 1 to 256",
		"free read":             `unknown verb "read": free, a port, knows ask status, ask beep, ask level, ask slow, send TEXT with`,
		`free send Q1 \x00 a\r`: "",
	} {
		c, err := ParseCommand(text)
		if err != nil {
			t.Fatal(err)
		}
		err = Spec{Ports: []PortSpec{ups, free}}.Check(c)
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

var long = strings.Repeat("x", 257)

func TestSendFreeBytes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := ups
		s.Raw = true
		w := serialBox(t, s)
		w.answering(10*time.Millisecond, map[string]string{"a b\x01": "yes\r"})
		ans := w.want(w.do(`ups send a b\x01`), Done, `yes\r`)
		if ans.Proof != "sent" {
			t.Errorf("got %+v, want no more than sent: nobody knows what the reply means", ans)
		}
		w.want(w.do("ups send quiet"), Done, "nothing came back within 1s")
	})
}

func TestPortOfOtherHardware(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Ports: []PortSpec{ups}}).open().run()
		r.want(r.do("ups ask status"), Refused, "not usable: this hardware has no serial ports")
		if d := r.reported("ups").Detail; d != "not usable: this hardware has no serial ports" {
			t.Errorf("report %q", d)
		}
	})
	bubble(t, func(t *testing.T) {
		s := ups
		s.Exchanges = []ExchangeSpec{{Name: "bad", Send: `\z`}}
		w := serialBox(t, s)
		w.want(w.do("ups ask bad"), Refused, `not usable: exchange bad: escape "\\z"`)
	})
	bubble(t, func(t *testing.T) {
		s := ups
		s.Device = "sim:#"
		w := serialBox(t, s)
		w.answering(0, map[string]string{"L": "#"})
		if ans := w.do("ups ask level"); ans.Proof != "sim" {
			t.Errorf("got %+v, want a simulated one never to claim more", ans)
		}
	})
}

// A device that hangs holds up neither the stop nor anybody else.
func TestPortThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := serialBox(t, ups)
		gate := make(chan struct{})
		w.cord.with(func() { w.cord.heard = func(*cord, string) { <-gate } })
		hung := w.send("ups ask status", Meta{})
		later(time.Second)
		w.want(w.do("pump pulse 1s"), Done, "")
		start := time.Now()
		_ = w.stop()
		if took := time.Since(start); took > stopLimit {
			t.Errorf("the stop took %s", took)
		}
		w.want(<-hung, Unknown, "ended by stop while the port was at work")
		close(gate)
		later(time.Second)
	})
}
