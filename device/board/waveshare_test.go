package board

import (
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

func TestWaveshareFrames(t *testing.T) {
	bench(t, []Spec{{Driver: "waveshare", Channels: 8}}, func(r *rig) {
		one, two := r.channel(0, 1), r.channel(0, 2)
		if len(r.sent()) != 0 {
			t.Error("something was sent on opening")
		}
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, "01 03 80 00 00 01 AD CA", "01 03 10 00 00 08 40 CC", "01 05 00 00 FF 00 8C 3A")
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, "01 01 00 00 00 08 3D CC")
		_, _ = two.Set(true, "")
		_, _ = one.Set(false, "")
		_, proof, err = one.Timed(true, 700*time.Millisecond, "")
		wantProof(t, "timed on", proof, err, Acked)
		_, _, _ = one.Timed(true, 5*time.Second, "")
		_, proof, err = one.Timed(false, 10*time.Second, "")
		wantProof(t, "timed off", proof, err, Acked)
		wantFrames(t, r, "01 05 00 01 FF 00 DD FA", "01 05 00 00 00 00 CD CA", "01 05 02 00 00 07 8D B0", "01 05 02 00 00 32 4D A7", "01 05 04 00 00 64 CD 11")
	})
}

func wantFrames(t *testing.T, r *rig, want ...string) {
	t.Helper()
	if got := r.sent(); !slices.Equal(got, want) {
		t.Errorf("sent\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// TestWaveshareRefused: section 7 of hardware.md, "V1 refused; mode register normal".
func TestWaveshareRefused(t *testing.T) {
	for name, test := range map[string]struct {
		quirk func(q *boardsim.Quirks)
		want  string
	}{
		"V1":    {func(q *boardsim.Quirks) { q.V1 = true }, "ask for the version, which protocol V2 and later tells: an answer that makes no sense: A5 01 03 80 00"},
		"V1.50": {func(q *boardsim.Quirks) { q.Version = 150 }, "the board refuses: it speaks protocol V1.50, want V2 or later"},
		"mode":  {func(q *boardsim.Quirks) { q.Modes = []uint16{0, 0, 2, 0, 0, 0, 0, 0} }, "the board refuses: channel 3 is moved by its input (mode 2), want mode 0"},
		"away":  {func(q *boardsim.Quirks) { q.Dead = true }, "no answer"},
		"alien": {func(q *boardsim.Quirks) { q.Noise = 100 }, "an answer that makes no sense"},
	} {
		bench(t, waves(1), func(r *rig) {
			r.quirk(0, test.quirk)
			_, err := r.channel(0, 1).Set(true, "")
			wantFault(t, name, err, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
			if _, _, err := r.channel(0, 1).Active(); err == nil {
				t.Errorf("%s: the board is not shown as gone", name)
			}
			for _, f := range r.sent() {
				if strings.HasPrefix(f, "01 05") {
					t.Errorf("%s: a command was sent: %s", name, f)
				}
			}
			r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{Modes: make([]uint16, 8)} })
			time.Sleep(lastPause)
			proof, err := r.channel(0, 1).Set(true, "")
			wantProof(t, name+", exchanged", proof, err, Acked)
		})
	}
}

func TestWaveshareTimers(t *testing.T) {
	bench(t, waves(1), func(r *rig) {
		one := r.channel(0, 1)
		_, _, _ = one.Timed(true, 5*time.Second, "")
		_, _ = one.Set(false, "") // what the timer would do is done
		r.sent()
		time.Sleep(10 * time.Second)
		if f := r.sent(); len(f) > 0 {
			t.Errorf("asked for a timer that has nothing to do: %q", f)
		}
		kept, proof, err := one.Timed(true, 4950*time.Millisecond, "")
		wantProof(t, "timed", proof, err, Acked)
		if kept != 5*time.Second || !r.sims[0].Active(1) {
			t.Errorf("kept %s, active %t", kept, r.sims[0].Active(1))
		}
		r.want("while it runs", one, true, true)
		time.Sleep(kept - time.Millisecond)
		r.want("just before its end", one, true, true)
		time.Sleep(2 * time.Millisecond)
		r.want("at its end", one, false, false)
		time.Sleep(time.Second)
		r.want("after its end", one, false, true)
		r.quirk(0, func(q *boardsim.Quirks) { q.LateTimers = 500 * time.Millisecond })
		_, _, _ = one.Timed(true, 10*time.Second, "") // first asked after 300 ms
		time.Sleep(10*time.Second + 400*time.Millisecond)
		r.want("at the end of a clock that is slow", one, false, false)
		time.Sleep(time.Second)
		r.want("after it", one, false, true)
		for _, width := range []time.Duration{0, 3277 * time.Second} {
			if one.CanTime(true, width) {
				t.Errorf("can time %s", width)
			}
			_, _, err := one.Timed(true, width, "")
			wantFault(t, width.String(), err, false)
		}
		if !one.CanTime(false, 3276700*time.Millisecond) {
			t.Error("cannot time what the board can")
		}
	})
}
