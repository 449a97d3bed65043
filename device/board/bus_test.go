package board

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

func TestBoardsOnABusAreToldApart(t *testing.T) {
	bench(t, waves(3), func(r *rig) {
		proof, err := r.channel(1, 3).Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		proof, err = r.channel(1, 3).Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		for i, sim := range r.sims {
			if sim.Active(3) != (i == 1) {
				t.Errorf("board %d: active %t", i+1, sim.Active(3))
			}
		}
	})
}

func TestAddRefusesWhatCannotShare(t *testing.T) {
	for _, test := range []struct {
		a, b Spec
		want string
	}{
		{Spec{Driver: "waveshare", Channels: 8}, Spec{Driver: "waveshare", Channels: 4, Unit: 1}, "board y: unit 1 is that of board x already"},
		{Spec{Driver: "waveshare", Channels: 8}, Spec{Driver: "lcus", Channels: 4}, "board y: port is that of board x already"},
		{Spec{Driver: "lcus", Channels: 8}, Spec{Driver: "lcus", Channels: 8}, "board y: port is that of board x already"},
	} {
		p := NewPort(nil, PortOptions{})
		test.a.Name, test.b.Name = "x", "y"
		if _, err := p.Add(test.a); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Add(test.b); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// TestDeadBoardsAreGoneByThemselves: each costs its neighbours its own limit, once.
func TestDeadBoardsAreGoneByThemselves(t *testing.T) {
	bench(t, waves(5), func(r *rig) {
		const dead = 4
		for i := range r.sims {
			_, _ = r.channel(i, 1).Set(true, "")
		}
		for i := range dead {
			r.quirk(i, func(q *boardsim.Quirks) { q.Dead = true })
		}
		r.drain()
		var all sync.WaitGroup
		var mu sync.Mutex
		start, last := time.Now(), time.Duration(0)
		for board := range r.boards {
			for n := range 8 {
				all.Go(func() {
					_, err := r.channel(board, n+1).Set(false, "")
					mu.Lock()
					defer mu.Unlock()
					last = max(last, time.Since(start))
					if (err != nil) != (board < dead) {
						t.Errorf("board %d: %v", board+1, err)
					}
				})
			}
		}
		all.Wait()
		if limit := dead*mostTries*330*time.Millisecond + time.Second/2; last > limit {
			t.Errorf("it took %s, want not much more than %s", last, limit)
		}
		if _, _, err := r.channel(0, 1).Active(); err == nil || !strings.Contains(err.Error(), "board b1: no answer") {
			t.Errorf("the dead one: got %v", err)
		}
		r.want("its neighbour", r.channel(dead, 1), false, true)
		<-r.channel(0, 5).Changes()

		time.Sleep(time.Minute)
		start = time.Now() // while it is left alone a call fails at once
		for range 20 {
			_, err := r.channel(0, 1).Set(false, "")
			wantFault(t, "set", err, false)
		}
		if d := time.Since(start); d > 4*time.Second {
			t.Errorf("20 calls took %s", d)
		}
	})
}

func TestADeadBoardComesBack(t *testing.T) {
	bench(t, waves(2), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(true, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
		_, _, _, err := one.Read()
		wantFault(t, "read", err, false)
		time.Sleep(time.Minute)
		sends := r.cable.Sends()
		time.Sleep(time.Minute)
		if n := r.cable.Sends() - sends; n < 10 || n > 30 {
			t.Errorf("asked %d times in a minute, want it every few seconds", n)
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead, q.V1 = false, true })
		time.Sleep(lastPause)
		if _, _, err := one.Active(); err == nil || !strings.Contains(err.Error(), "which protocol V2 and later tells") {
			t.Errorf("exchanged for another: got %v", err)
		}
		r.drain()
		r.quirk(0, func(q *boardsim.Quirks) { q.V1 = false })
		time.Sleep(2 * lastPause)
		<-r.channel(0, 5).Changes()
		r.want("back", one, true, true)
		_, err = one.Prove(true)
		wantFault(t, "prove of what was before", err, true)
		proof, err := one.Set(false, "")
		wantProof(t, "set", proof, err, Acked)
	})
}

func TestAPortThatVanishesTakesAllItsBoards(t *testing.T) {
	bench(t, waves(2), func(r *rig) {
		for i := range r.boards {
			_, _ = r.channel(i, 1).Set(true, "")
		}
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		synctest.Wait()
		for i := range r.boards {
			<-r.channel(i, 1).Changes()
			if _, _, err := r.channel(i, 1).Active(); err == nil || !strings.Contains(err.Error(), "unplugged") {
				t.Errorf("board %d: got %v, want it unplugged", i+1, err)
			}
			_, err := r.channel(i, 1).Set(false, "")
			wantFault(t, "set", err, false)
			_, err = r.channel(i, 1).Prove(false)
			wantFault(t, "prove", err, true)
		}
		r.cable.Plug()
		r.sent()
		time.Sleep(lastPause)
		for i := range r.boards {
			r.want("back", r.channel(i, 1), false, false)
		}
		if f := r.sent(); len(f) > 0 {
			t.Errorf("sent on opening: %q", f)
		}
		if active, known, proof, err := r.channel(1, 1).Read(); !active || !known || proof != Readback || err != nil {
			t.Errorf("read: got %t %t %s %v", active, known, proof, err)
		}
	})
}

// TestTurnsAreFair: a board with much to do does not make another wait for all
// of it, and sets go before questions.
func TestTurnsAreFair(t *testing.T) {
	bench(t, waves(2), func(r *rig) {
		_, _ = r.channel(0, 1).Set(false, "")
		_, _ = r.channel(1, 1).Set(false, "")
		r.sent()
		r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 50 * time.Millisecond })
		var all sync.WaitGroup
		start := func(f func()) { all.Go(f); synctest.Wait() }
		start(func() { _, _ = r.channel(0, 1).Set(true, "") }) // has its turn
		start(func() { _, _, _, _ = r.channel(0, 2).Read() })
		start(func() { _, _ = r.channel(0, 3).Set(true, "") })
		start(func() { _, _ = r.channel(0, 4).Set(true, "") })
		start(func() { _, _ = r.channel(1, 1).Set(true, "") })
		start(func() { _, _ = r.channel(1, 2).Set(true, "") })
		start(func() { _, _ = r.channel(1, 3).Set(true, "") })
		all.Wait()
		wantFrames(t, r, "01 05 00 00 FF 00 8C 3A", "02 05 00 00 FF 00 8C 09", "01 05 00 02 FF 00 2D FA", "02 05 00 01 FF 00 DD C9",
			"01 05 00 03 FF 00 7C 3A", "02 05 00 02 FF 00 2D C9", "01 01 00 00 00 08 3D CC")
	})
}

func TestLostFramesAreSentAgain(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		for name, quirk := range map[string]func(q *boardsim.Quirks){
			"lost":     func(q *boardsim.Quirks) { q.Lost = mostTries - 1 },
			"noise":    func(q *boardsim.Quirks) { q.Noise = mostTries - 1 },
			"bad sums": func(q *boardsim.Quirks) { q.BadSum = mostTries - 1 },
		} {
			r.quirk(0, quirk)
			proof, err := one.Set(true, "")
			wantProof(t, name, proof, err, Acked)
			if !r.sims[0].Active(1) {
				t.Errorf("%s: it did not move", name)
			}
			_, _ = one.Set(false, "")
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = mostTries })
		_, err := one.Set(true, "")
		wantFault(t, "lost for good", err, true)
		time.Sleep(time.Second)
		r.want("asked when it was back", one, false, true)
	})
}

// TestTimersAreSentOnce: a second frame would be a second width.
func TestTimersAreSentOnce(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		r.sent()
		r.quirk(0, func(q *boardsim.Quirks) { q.BadSum = 1 })
		start := time.Now()
		_, _, err := one.Timed(true, 10*time.Second, "")
		wantFault(t, "no ack", err, true)
		if f := r.sent(); len(f) != 1 {
			t.Errorf("sent %q, want one frame", f)
		}
		time.Sleep(5 * time.Second)
		r.want("asked while it runs", one, true, true)
		time.Sleep(time.Until(start.Add(10*time.Second + 100*time.Millisecond)))
		r.want("at its end", one, false, false)
		time.Sleep(time.Second)
		r.want("after it", one, false, true)
	})
}

// TestATimerThatOutlivesASet: the relay moves again although it was told to stay.
func TestATimerThatOutlivesASet(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Stubborn, q.LateTimers = true, 300*time.Millisecond })
		one := r.channel(0, 1)
		_, _, _ = one.Timed(true, 10*time.Second, "")
		time.Sleep(time.Second)
		_, _ = one.Set(true, "")
		r.want("while the timer runs", one, true, true)
		time.Sleep(9 * time.Second)
		r.want("at its end", one, false, false)
		time.Sleep(time.Second)
		r.want("after it", one, false, true)
	})
}

func TestABoardThatRefusesIsThere(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		small, err := boardsim.New("waveshare", 4, 1, boardsim.Quirks{})
		if err != nil {
			t.Fatal(err)
		}
		r.cable = boardsim.NewCable(small)
		r.port.drop(errVanished)
		time.Sleep(time.Second)
		_, err = r.channel(0, 8).Set(true, "")
		wantFault(t, "no such channel", err, false)
		if err == nil || !strings.Contains(err.Error(), "the board refuses: it has no such address (exception 2)") {
			t.Errorf("got %v", err)
		}
		proof, err := r.channel(0, 1).Set(true, "")
		wantProof(t, "another channel", proof, err, Acked)
		proof, err = r.channel(0, 1).Prove(true) // eight at once it refuses to read
		wantProof(t, "prove", proof, err, Acked)
		small.Quirk(func(q *boardsim.Quirks) { q.Dead = true })
		_, err = r.channel(0, 1).Set(false, "")
		wantFault(t, "dead", err, true)
		small.Quirk(func(q *boardsim.Quirks) { q.Dead = false })
		time.Sleep(lastPause)
		r.want("back, although it refuses to be asked", r.channel(0, 1), false, false)
	})
}

// TestALateAnswerIsToNoOtherQuestion: a board that is slower than its limit
// answers twice what was asked twice.
func TestALateAnswerIsToNoOtherQuestion(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 400 * time.Millisecond })
		if active, _, proof, err := one.Read(); active || proof != Readback || err != nil {
			t.Fatalf("read: got %t %s %v", active, proof, err)
		}
		r.sims[0].Move(1, true)
		if active, _, proof, err := one.Read(); !active || proof != Readback || err != nil {
			t.Errorf("read again: got %t %s %v, want what it is now", active, proof, err)
		}
	})
}

// TestOwnEchoIsStripped: section 7 of hardware.md.
func TestOwnEchoIsStripped(t *testing.T) {
	bench(t, waves(2), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Loop = true })
		r.quirk(1, func(q *boardsim.Quirks) { q.Dead = true })
		proof, err := r.channel(0, 1).Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		proof, err = r.channel(0, 1).Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		_, err = r.channel(1, 1).Set(true, "")
		wantFault(t, "set of the dead one", err, false)
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 99 })
		_, err = r.channel(0, 1).Set(false, "") // our own echo is no ack
		wantFault(t, "set that gets lost", err, true)
		if err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("got %v, want no answer", err)
		}
	})
}

func TestBusKeepsItsGap(t *testing.T) {
	bench(t, waves(2), func(r *rig) {
		for i := range 2 {
			r.quirk(i, func(q *boardsim.Quirks) { q.TooFast = frameGap(9600) })
		}
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() { _, _ = r.channel(n%2, 1+n/2).Set(true, "") })
		}
		all.Wait()
		for n := range 8 {
			if !r.sims[n%2].Active(1 + n/2) {
				t.Errorf("a command of board %d was too fast", n%2+1)
			}
		}
		for i := 1; i < len(r.at); i++ {
			if gap := r.at[i].Sub(r.at[i-1]); gap < frameGap(9600)+lineTime(8, 9600) {
				t.Errorf("frame %d came %s after the one before", i, gap)
			}
		}
	})
}

func TestABoardSettlesBeforeItIsAsked(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		_, _ = r.channel(0, 1).Set(true, "")
		_, _ = r.channel(0, 1).Prove(true)
		n := len(r.at)
		if d := r.at[n-1].Sub(r.at[n-2]); d < waveshare.Settle {
			t.Errorf("asked after %s, want %s", d, waveshare.Settle)
		}
	})
}

// TestAnAckIsNoneBeforeTheAdapterIsKnown: it may be our own frame.
func TestAnAckIsNoneBeforeTheAdapterIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, _ := boardsim.New("waveshare", 4, 1, boardsim.Quirks{Loop: true})
		r := &rig{t: t, cable: boardsim.NewCable(sim)}
		r.port = NewPort(r.open, PortOptions{})
		b, err := r.port.add(Family{Sizes: []int{4}, Baud: 300, Unit: 1, Bus: true, Reopen: true, speak: func(s Spec) dialect {
			return plain{&waveshares{modbus{1, 300 * time.Millisecond}, 4}}
		}}, Spec{Channels: 4})
		if err != nil {
			t.Fatal(err)
		}
		stop := runPort(t, r.port)
		defer stop()
		one := b.channels[0]
		set := func(what, want string) {
			proof, err := one.Set(true, "")
			wantProof(t, what, proof, err, want)
		}
		set("at first", Sent)
		sim.Quirk(func(q *boardsim.Quirks) { q.Delay = 700 * time.Millisecond }) // at 300 baud a reply takes its time
		r.sent()
		_, _ = one.Prove(true)
		if f := r.sent(); len(f) != 1 {
			t.Errorf("sent %q, want one question", f)
		}
		set("after a question", Acked)
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		r.cable.Plug()
		time.Sleep(lastPause)
		sim.Quirk(func(q *boardsim.Quirks) { q.Loop, q.Delay = false, 0 })
		set("another adapter", Sent)
		_, _ = one.Prove(true)
		set("after another question", Acked)
	})
}

// plain is a dialect that does not greet.
type plain struct{ d *waveshares }

func (p plain) set(t *talk, channel int, active bool) (string, error) {
	return p.d.set(t, channel, active)
}
func (p plain) states(t *talk) ([]level, error) { return p.d.states(t) }

func TestGuardSurroundsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		at := map[string]time.Time{}
		sim, _ := boardsim.New("waveshare", 4, 1, boardsim.Quirks{Dead: true})
		cable := boardsim.NewCable(sim)
		p := NewPort(func() (Wire, error) { return cable.Open() }, PortOptions{Name: "p", Guard: func(worker string, limit time.Duration) func() {
			mu.Lock()
			defer mu.Unlock()
			at[worker] = time.Now()
			return func() {
				if d := time.Since(at[worker]); d > limit {
					t.Errorf("%s took %s, said %s", worker, d, limit)
				}
			}
		}})
		b, err := p.Add(Spec{Name: "b", Driver: "waveshare", Channels: 4})
		if err != nil {
			t.Fatal(err)
		}
		stop := runPort(t, p)
		c, _ := b.Channel(1)
		_, _ = c.Set(true, "")
		time.Sleep(time.Minute)
		stop()
		if len(at) != 2 || at["board b"].IsZero() || at["port p"].IsZero() {
			t.Errorf("guarded: %s", fmt.Sprint(at))
		}
	})
}
