package board

import (
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

// TestLCTechFrames: the command sheet's frames, byte by byte. Section 7 of
// hardware.md: "LC-Tech unit 255 default".
func TestLCTechFrames(t *testing.T) {
	bench(t, []Spec{{Driver: "lctech", Channels: 4}}, func(r *rig) {
		one, two, three := r.channel(0, 1), r.channel(0, 2), r.channel(0, 3)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, "FF 01 00 00 00 08 28 12", "FF 05 00 00 FF 00 99 E4")
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		_, _ = one.Set(false, "")
		_, _ = two.Set(true, "")
		wantFrames(t, r, "FF 01 00 00 00 08 28 12", "FF 05 00 00 00 00 D8 14", "FF 05 00 01 FF 00 C8 24")
		kept, proof, err := one.Timed(true, 2*time.Second, "")
		wantProof(t, "on, then off", proof, err, Acked)
		if kept != 2*time.Second || !r.sims[0].Active(1) {
			t.Errorf("kept %s, active %t", kept, r.sims[0].Active(1))
		}
		_, proof, err = one.Timed(false, 3*time.Second, "")
		wantProof(t, "off, then on", proof, err, Acked)
		_, _, _ = one.Timed(false, 10*time.Second, "")
		_, _, _ = three.Timed(true, 6553500*time.Millisecond, "")
		wantFrames(t, r, "FF 10 00 03 00 02 04 00 04 00 14 C5 9F", "FF 10 00 03 00 02 04 00 02 00 1E A5 99", "FF 10 00 03 00 02 04 00 02 00 64 24 7A",
			"FF 10 00 0D 00 02 04 00 04 FF FF 45 AC")
	})
}

func TestLCTechTimers(t *testing.T) {
	for _, active := range []bool{true, false} {
		bench(t, []Spec{{Driver: "lctech", Channels: 8, Unit: 7}}, func(r *rig) {
			c := r.channel(0, 8)
			_, _ = c.Set(!active, "")
			kept, proof, err := c.Timed(active, 4950*time.Millisecond, "")
			wantProof(t, "timed", proof, err, Acked)
			if kept != 5*time.Second || r.sims[0].Active(8) != active {
				t.Errorf("kept %s, active %t", kept, r.sims[0].Active(8))
			}
			time.Sleep(kept - time.Millisecond)
			r.want("just before its end", c, active, true)
			time.Sleep(2 * time.Millisecond)
			r.want("at its end", c, false, false)
			time.Sleep(time.Second)
			r.want("after its end", c, !active, true)
			for _, width := range []time.Duration{0, 6553501 * time.Millisecond} {
				if c.CanTime(active, width) {
					t.Errorf("can time %s", width)
				}
			}
		})
	}
}

// TestLCTechTimerIsSentOnce: without the board's own answer it is not known to run.
func TestLCTechTimerIsSentOnce(t *testing.T) {
	bench(t, []Spec{{Driver: "lctech", Channels: 1}}, func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		r.sent()
		r.quirk(0, func(q *boardsim.Quirks) { q.Loop, q.Lost = true, 9 })
		_, proof, err := one.Timed(true, 2*time.Second, "")
		wantFault(t, "lost, looped", err, true)
		if proof != "" || err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("got %q %v, want no answer: the echo is ours", proof, err)
		}
		wantFrames(t, r, "FF 10 00 03 00 02 04 00 04 00 14 C5 9F")
	})
}

func TestLCTechTroubles(t *testing.T) {
	troubles(t, Spec{Driver: "lctech", Channels: 4})
	instead(t, "lctech", 4, Spec{Driver: "lctech", Channels: 8, Unit: 255}, func(r *rig) {
		_, _, err := r.channel(0, 8).Timed(true, time.Second, "")
		wantFault(t, "no such channel", err, false)
		if err == nil || !strings.Contains(err.Error(), "it has no such address (exception 2)") {
			t.Errorf("got %v", err)
		}
	})
}

// TestLCTechTimerThatACommandDoesNotEnd: whether one does, nobody says. A relay
// that was told to where the timer takes it, and away again, still moves.
func TestLCTechTimerThatACommandDoesNotEnd(t *testing.T) {
	bench(t, []Spec{{Driver: "lctech", Channels: 4}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Stubborn = true })
		one := r.channel(0, 1)
		_, _, _ = one.Timed(false, 10*time.Second, "")
		_, _ = one.Set(true, "")
		r.want("there already", one, true, true)
		_, _ = one.Set(false, "")
		r.want("away again", one, false, true)
		time.Sleep(10*time.Second + time.Millisecond)
		if !r.sims[0].Active(1) {
			t.Fatal("the board forgot its timer")
		}
		r.want("at its end", one, false, false)
		time.Sleep(time.Second)
		r.want("after it", one, true, true)

		_, _, _ = one.Timed(false, 10*time.Second, "")
		_, _ = one.Set(true, "")
		r.sent()
		time.Sleep(20 * time.Second)
		r.want("it has nothing to move", one, true, true)
		if f := r.sent(); len(f) > 0 {
			t.Errorf("asked for a timer that has nothing to move: %q", f)
		}
	})
}

// TestLCTechTimerOfALateAnswer: it runs since the frame, not since the answer.
func TestLCTechTimerOfALateAnswer(t *testing.T) {
	bench(t, []Spec{{Driver: "lctech", Channels: 4}}, func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(false, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 250 * time.Millisecond })
		_, _, err := one.Timed(true, 10*time.Second, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(9800 * time.Millisecond)
		if r.sims[0].Active(1) {
			t.Fatal("still on")
		}
		r.want("as the board ends it", one, false, false)
	})
}
