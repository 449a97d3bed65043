package board

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

func feedbacks(channels int) []Spec { return []Spec{{Driver: "lcus-feedback", Channels: channels}} }

func TestLCUSFeedbackFrames(t *testing.T) {
	bench(t, feedbacks(2), func(r *rig) {
		one, two := r.channel(0, 1), r.channel(0, 2)
		if len(r.sent()) != 0 {
			t.Error("something was sent on opening")
		}
		proof, err := one.Set(true, "")
		wantProof(t, "on", proof, err, Acked)
		proof, err = two.Set(false, "")
		wantProof(t, "off", proof, err, Acked)
		wantFrames(t, r, "A0 01 03 A4", "A0 02 02 A4")
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, "A0 01 05 A6", "A0 02 05 A7")
		active, known, proof, err := two.Read()
		wantProof(t, "read", proof, err, Readback)
		if active || !known {
			t.Errorf("read: got %t %t", active, known)
		}
	})
	bench(t, feedbacks(8), func(r *rig) {
		eight := r.channel(0, 8)
		_, _ = eight.Set(true, "")
		_, _ = eight.Set(false, "")
		_, _ = eight.Prove(false)
		wantFrames(t, r, "A0 08 03 AB", "A0 08 02 AA",
			"A0 01 05 A6", "A0 02 05 A7", "A0 03 05 A8", "A0 04 05 A9", "A0 05 05 AA", "A0 06 05 AB", "A0 07 05 AC", "A0 08 05 AD")
	})
}

// TestEachByteFamilyWaitsBetweenCommands: what comes sooner may be lost; section
// 7 of hardware.md, "LCUS: 100 ms spacing".
func TestEachByteFamilyWaitsBetweenCommands(t *testing.T) {
	for driver, test := range map[string]struct {
		gap   time.Duration
		greet int // frames
	}{"lcus-feedback": {100 * time.Millisecond, 0}, "kmtronic": {50 * time.Millisecond, 2}, "devantech": {10 * time.Millisecond, 3}} {
		bench(t, []Spec{{Driver: driver, Channels: 8}}, func(r *rig) {
			r.quirk(0, func(q *boardsim.Quirks) { q.TooFast = test.gap })
			for n := 1; n <= 8; n++ {
				_, err := r.channel(0, n).Set(true, "")
				if err != nil || !r.sims[0].Active(n) {
					t.Errorf("%s: channel %d is not on, %v", driver, n, err)
				}
			}
			if n := len(r.sent()); n != test.greet+8 {
				t.Errorf("%s: %d frames, want one a command", driver, n)
			}
		})
	}
}

// TestAQuestionWaitsUntilTheBoardHasSettled: no command is told twice.
func TestAQuestionWaitsUntilTheBoardHasSettled(t *testing.T) {
	for _, test := range []struct{ driver, want string }{{"kmtronic", "FF 01 01,FF 09 00"}, {"devantech", "65,5B,5A,5B"}} {
		bench(t, []Spec{{Driver: test.driver, Channels: 8}}, func(r *rig) {
			one := r.channel(0, 1)
			_, _, _, _ = one.Read()
			r.quirk(0, func(q *boardsim.Quirks) { q.Lag = 49 * time.Millisecond })
			r.sent()
			_, _ = one.Set(true, "")
			proof, err := one.Prove(true)
			wantProof(t, test.driver, proof, err, Readback)
			wantFrames(t, r, strings.Split(test.want, ",")...)
		})
	}
}

func TestLCUSFeedbackStates(t *testing.T) {
	for name, test := range map[string]struct {
		got           string
		active, whole bool
	}{
		"on":                 {"\xA0\x02\x01\xA3", true, true},
		"off":                {"\xA0\x02\x00\xA2", false, true},
		"noise around":       {"\x00\xA0\xA0\x02\x01\xA3\xFF", true, true},
		"ours before it":     {"\xA0\x02\x03\xA5\xA0\x02\x01\xA3", true, true},
		"only ours":          {"\xA0\x02\x03\xA5", false, false},
		"the last counts":    {"\xA0\x02\x01\xA3\xA0\x02\x00\xA2", false, true},
		"another channel":    {"\xA0\x01\x01\xA2", false, false},
		"another between":    {"\xA0\x02\x01\xA3\xA0\x01\x00\xA1", true, true},
		"another, our sum":   {"\xA0\x01\x01\xA3", false, false},
		"wrong sum":          {"\xA0\x02\x01\xA2", false, false},
		"another start":      {"\xA1\x02\x01\xA3", false, false},
		"no state":           {"\xA0\x02\x02\xA4", false, false},
		"cut":                {"\xA0\x02\x01", false, false},
		"a classic's states": {"CH1: ON \r\nCH2: ON \r\n", false, false},
		"nothing":            {"", false, false},
	} {
		if active, whole := feedbackState([]byte(test.got), 2); active != test.active || whole != test.whole {
			t.Errorf("%s: got %t %t, want %t %t", name, active, whole, test.active, test.whole)
		}
	}
}

func TestLCUSFeedbackQuirks(t *testing.T) {
	for name, test := range map[string]struct {
		quirk func(q *boardsim.Quirks)
		want  []string // frames of a set
	}{
		"lost once":   {func(q *boardsim.Quirks) { q.Lost = 1 }, []string{"A0 01 03 A4", "A0 01 03 A4"}},
		"garbled":     {func(q *boardsim.Quirks) { q.Noise = 1 }, []string{"A0 01 03 A4", "A0 01 03 A4"}},
		"wrong sums":  {func(q *boardsim.Quirks) { q.BadSum = 2 }, []string{"A0 01 03 A4", "A0 01 03 A4", "A0 01 03 A4"}},
		"stale first": {func(q *boardsim.Quirks) { q.Stale = true }, []string{"A0 01 03 A4", "A0 01 03 A4"}},
		"lags":        {func(q *boardsim.Quirks) { q.Lag = 90 * time.Millisecond }, []string{"A0 01 03 A4", "A0 01 03 A4"}},
		"halting":     {func(q *boardsim.Quirks) { q.Pauses = 15 * time.Millisecond }, []string{"A0 01 03 A4"}},
		"looped back": {func(q *boardsim.Quirks) { q.Loop = true }, []string{"A0 01 03 A4"}},
		"slow":        {func(q *boardsim.Quirks) { q.Delay = 200 * time.Millisecond }, []string{"A0 01 03 A4"}},
	} {
		bench(t, feedbacks(2), func(r *rig) {
			r.quirk(0, test.quirk)
			proof, err := r.channel(0, 1).Set(true, "")
			wantProof(t, name, proof, err, Acked)
			if !r.sims[0].Active(1) {
				t.Errorf("%s: acked, and it did not move", name)
			}
			wantFrames(t, r, test.want...)
			proof, err = r.channel(0, 1).Prove(true)
			wantProof(t, name+", proved", proof, err, Readback)
		})
	}
}

// TestLCUSFeedbackStuck: a board that answers, with the state of before, is no
// board that is gone; and it may have moved.
func TestLCUSFeedbackStuck(t *testing.T) {
	bench(t, feedbacks(1), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
		for _, at := range []time.Duration{50, 150} {
			time.AfterFunc(at*time.Millisecond, func() { r.cable.Say("\xA0\x01\x00\xA1") })
		}
		one := r.channel(0, 1)
		_, err := one.Set(true, "")
		wantFault(t, "stuck", err, true)
		if err == nil || !strings.HasSuffix(err.Error(), "the board refuses: told twice, it shows channel 1 as it was") {
			t.Errorf("got %v", err)
		}
		wantFrames(t, r, "A0 01 03 A4", "A0 01 03 A4")
		r.want("stuck", one, false, false)
	})
}

func TestLCUSFeedbackSilence(t *testing.T) {
	for name, quirk := range map[string]func(q *boardsim.Quirks){
		"dead":  func(q *boardsim.Quirks) { q.Dead = true },
		"noise": func(q *boardsim.Quirks) { q.Noise = 100 },
	} {
		bench(t, feedbacks(2), func(r *rig) {
			r.quirk(0, quirk)
			one := r.channel(0, 1)
			_, err := one.Set(true, "")
			wantFault(t, name, err, true)
			if _, known, err := one.Active(); err == nil || known {
				t.Errorf("%s: not shown as gone", name)
			}
			if f := r.sent(); len(f) != mostTries {
				t.Errorf("%s: sent %q, want %d", name, f, mostTries)
			}
			r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{} })
			time.Sleep(lastPause)
			r.want(name+", back", one, r.sims[0].Active(1), true)
		})
	}
}

// TestLCUSFeedbackOfFewerChannels: the error names the one that is not there.
func TestLCUSFeedbackOfFewerChannels(t *testing.T) {
	bench(t, feedbacks(4), func(r *rig) {
		r.exchange("lcus-feedback", 2)
		_, _, _, err := r.channel(0, 1).Read()
		if !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "channel 3: no answer") {
			t.Errorf("got %v", err)
		}
	})
}

// TestLCUSFeedbackOnAClassicBoard: it has no ops but 00 and 01.
func TestLCUSFeedbackOnAClassicBoard(t *testing.T) {
	bench(t, feedbacks(2), func(r *rig) {
		r.exchange("lcus", 2)
		_, err := r.channel(0, 1).Set(true, "")
		wantFault(t, "set", err, true)
		if r.sims[0].Active(1) {
			t.Error("it moved")
		}
	})
}

// exchange puts another board where the first was.
func (r *rig) exchange(driver string, channels int) {
	r.t.Helper()
	sim, err := boardsim.New(driver, channels, 0, boardsim.Quirks{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.cable.Unplug()
	time.Sleep(2 * lookEvery) // missed, whatever was going on
	synctest.Wait()
	r.cable, r.sims[0] = boardsim.NewCable(sim), sim
	r.port.wake <- struct{}{} // the worker is told of the new cable
	time.Sleep(lastPause)     // opened again
	r.sent()
}

func FuzzLCUSFeedback(f *testing.F) {
	f.Add([]byte("\xA0\x01\x01\xA2"), 1)
	f.Add([]byte("\xA0\x08\x03\xAB\xA0\x08\x00\xA8\xA0"), 8)
	f.Fuzz(func(t *testing.T, got []byte, channel int) {
		if channel < 1 || channel > 8 {
			return
		}
		active, whole := feedbackState(got, channel)
		said := strings.Contains(string(got), string([]byte{0xA0, byte(channel), 0, 0xA0 + byte(channel)})) ||
			strings.Contains(string(got), string([]byte{0xA0, byte(channel), 1, 0xA1 + byte(channel)}))
		if whole != said || active && !whole {
			t.Errorf("% X: got %t %t", got, active, whole)
		}
		// What comes behind an answer can change it, never unmake it.
		if _, still := feedbackState(append(got[:len(got):len(got)], 0xA0, byte(channel)), channel); whole && !still {
			t.Errorf("% X: whole, and not so with more behind it", got)
		}
	})
}
