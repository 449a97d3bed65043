package board

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// runPort runs a port's worker until stop.
func runPort(t *testing.T, p *Port) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	synctest.Wait()
	return func() { cancel(); running.Wait() }
}

// quirky is a dialect that needs everything a dialect may need. Its frames are
// bytes that an LCUS board does not understand.
type quirky struct {
	greets int
	fail   error // of cancel
	no     error // of set, after two frames
	in     string
}

func (q *quirky) greet(t *talk) error { q.greets++; return t.send([]byte("hello")) }
func (q *quirky) set(t *talk, _ int, active bool) (string, error) {
	if q.no != nil {
		return "", errors.Join(t.send([]byte("1")), t.send([]byte("2")), q.no)
	}
	return Sent, t.send([]byte(map[bool]string{true: "on", false: "off"}[active]))
}
func (q *quirky) timed(t *talk, _ int, _ bool, _ time.Duration) (string, error) {
	return Sent, t.send([]byte("timed"))
}
func (q *quirky) cancel(t *talk, _ int) error {
	if err := t.send([]byte("cancel")); err != nil {
		return err
	}
	return q.fail
}
func (q *quirky) states(*talk) ([]level, error) { return nil, nil }

// heard understands "a" and "r".
func (q *quirky) heard(p []byte) (levels []level) {
	q.in += string(p)
	if i := strings.LastIndexAny(q.in, "ar"); i >= 0 {
		levels = levelsOf([]bool{q.in[i] == 'a'})
		q.in = q.in[i+1:]
	}
	return levels
}

// strange runs a test on one board of one channel that speaks quirky.
func strange(t *testing.T, f Family, test func(r *rig, q *quirky, c *Channel)) {
	synctest.Test(t, func(t *testing.T) {
		sim, _ := boardsim.New("lcus", 1, 0, boardsim.Quirks{})
		r, q := &rig{t: t, cable: boardsim.NewCable(sim)}, &quirky{}
		f.Name, f.Sizes, f.Timer = "quirky", []int{1}, Timer{Active: true, Step: time.Second, Longest: time.Minute}
		f.speak = func(Spec) dialect { return q }
		r.port = NewPort(r.open, PortOptions{})
		b, err := r.port.add(f, Spec{Name: "q", Channels: 1})
		if err != nil {
			t.Fatal(err)
		}
		r.boards = []*Board{b}
		stop := runPort(t, r.port)
		test(r, q, b.channels[0])
		stop()
	})
}

func text(r *rig) (words string) {
	for _, f := range r.sent() {
		words += string(unhex(r.t, f)) + " "
	}
	return words
}

func TestASetEndsARunningTimerFirst(t *testing.T) {
	strange(t, Family{Reopen: true}, func(r *rig, q *quirky, c *Channel) {
		_, _ = c.Set(true, "")
		_, _, _ = c.Timed(true, time.Second, "")
		_, _ = c.Set(true, "")
		_, _ = c.Set(false, "")
		_, _, _ = c.Timed(true, time.Second, "")
		time.Sleep(3 * time.Second) // it is over
		r.want("not asked, but over", c, false, true)
		_, _ = c.Set(true, "")
		if got := text(r); got != "hello on timed cancel on off timed on " {
			t.Errorf("sent %s", got)
		}
		_, _, _ = c.Timed(true, time.Second, "")
		q.fail = errSilent
		_, err := c.Set(false, "")
		wantFault(t, "a timer that cannot be ended", err, true)
		if got := text(r); got != "timed cancel " {
			t.Errorf("sent %s", got)
		}
	})
}

// TestARunningTimerOutlivesTheCable: the board goes on counting.
func TestARunningTimerOutlivesTheCable(t *testing.T) {
	strange(t, Family{Reopen: true}, func(r *rig, _ *quirky, c *Channel) {
		_, _, _ = c.Timed(true, time.Minute, "")
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		r.cable.Plug()
		time.Sleep(lastPause)
		_, _ = c.Set(true, "")
		if got := text(r); got != "hello timed hello cancel on " {
			t.Errorf("sent %s", got)
		}
	})
}

func TestAListenerHearsWhatIsSaidUnasked(t *testing.T) {
	strange(t, Family{Reopen: true}, func(r *rig, _ *quirky, c *Channel) {
		_, _ = c.Set(false, "")
		for len(c.news) > 0 {
			<-c.news
		}
		r.cable.Say("xx")
		r.cable.Say("a")
		time.Sleep(lookEvery)
		<-c.Changes()
		r.want("heard while idle", c, true, true)
		r.cable.Say("r")
		_, _, _ = c.Timed(true, time.Second, "") // hears before it sends
		<-c.Changes()
		r.want("told after it was heard", c, true, true)
	})
}

func TestWhatMustNotBeOpenedAgain(t *testing.T) {
	strange(t, Family{}, func(r *rig, q *quirky, c *Channel) {
		_, _ = c.Set(true, "")
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		r.cable.Plug()
		time.Sleep(time.Minute)
		if _, err := c.Set(false, ""); err == nil || !strings.Contains(err.Error(), "board q would move when its port is opened again") {
			t.Errorf("got %v", err)
		}
		if q.greets != 1 {
			t.Errorf("greeted %d times", q.greets)
		}
	})
}

// TestALimitEndsATalk: whatever a dialect waits for. It says nothing about the board.
func TestALimitEndsATalk(t *testing.T) {
	for name, test := range map[string]struct {
		gap  time.Duration
		talk func(t *talk) error
		want string
	}{
		"gaps": {2 * time.Second, func(t *talk) (err error) {
			for range 5 {
				err = t.send([]byte("x"))
			}
			return err
		}, "not done within 5s"},
		"waiting for bytes": {0, func(t *talk) error {
			if _, err := t.read(1, time.Hour); !errors.Is(err, errSilent) {
				return err
			}
			return t.send([]byte("x"))
		}, "not done within 5s"},
	} {
		strange(t, Family{Reopen: true, Gap: test.gap}, func(r *rig, _ *quirky, c *Channel) {
			start := time.Now()
			var err error
			r.boards[0].do(&job{set: true, channel: 1, op: func(b *Board, talk *talk, _ *job) {
				err = test.talk(talk)
				b.judge(talk, err)
			}})
			if d := time.Since(start); d > talkLimit {
				t.Errorf("%s: talked for %s", name, d)
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("%s: got %v, want %s", name, err, test.want)
			}
			if _, _, err := c.Active(); err != nil {
				t.Errorf("%s: the board is said to be gone: %v", name, err)
			}
		})
	}
}

func TestReadTakesSoManyBytesAndNoMore(t *testing.T) {
	strange(t, Family{Reopen: true}, func(r *rig, _ *quirky, c *Channel) {
		for said, ok := range map[string]bool{"12": false, "123": true, "1234": false} {
			var err error
			r.boards[0].do(&job{set: true, channel: 1, op: func(_ *Board, talk *talk, _ *job) {
				_ = talk.send([]byte("?"))
				r.cable.Say(said)
				_, err = talk.read(3, time.Second)
			}})
			if (err == nil) != ok {
				t.Errorf("%s: got %v", said, err)
			}
		}
	})
}

// TestARefusalOfTheSecondFrame: the first may have moved the relay.
func TestARefusalOfTheSecondFrame(t *testing.T) {
	strange(t, Family{Reopen: true}, func(r *rig, q *quirky, c *Channel) {
		_, _ = c.Set(true, "")
		r.want("set", c, true, true)
		q.no = refusal("no")
		_, err := c.Set(false, "")
		wantFault(t, "refused", err, true)
		r.want("refused", c, false, false)
	})
}

// TestATimerIsNotAskedForOnANewConnection: nothing is said there before it is used.
func TestATimerIsNotAskedForOnANewConnection(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _, _ = one.Timed(true, 10*time.Second, "")
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		r.cable.Plug()
		r.sent()
		time.Sleep(time.Minute)
		if f := r.sent(); len(f) > 0 {
			t.Errorf("sent %q", f)
		}
		r.want("not asked", one, false, false)
	})
}

// TestOwnMovesAreNoNews: Changes is for what the board does by itself.
func TestOwnMovesAreNoNews(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		r.drain()
		_, _ = one.Set(true, "")
		_, _ = one.Prove(true)
		if len(one.news) > 0 {
			t.Error("news of its own set")
		}
	})
}
