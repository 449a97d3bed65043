package board

import (
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

const (
	c0135Ask = "01 01 00 01 00 04 6C 09"
	c0135On  = "01 05 00 01 01 00 9D 9A"
	c0135Off = "01 05 00 01 00 00 9C 0A"
)

// TestC0135Frames: byte by byte; on is 0100, coils count from 1.
func TestC0135Frames(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}}, func(r *rig) {
		one, four := r.channel(0, 1), r.channel(0, 4)
		for _, active := range []bool{true, false} {
			proof, err := one.Set(active, "")
			wantProof(t, "set", proof, err, Acked)
			proof, err = one.Prove(active)
			wantProof(t, "prove", proof, err, Readback)
		}
		_, _ = four.Set(true, "")
		wantFrames(t, r, c0135Ask, c0135On, c0135Ask, c0135Off, c0135Ask, "01 05 00 04 01 00 8D 9B")
		if !r.sims[0].Active(4) || r.sims[0].Active(1) {
			t.Error("another relay moved")
		}
		if one.CanTime(true, time.Second) {
			t.Error("it can time nothing")
		}
	})
}

// TestC0135AnswersInPieces: whatever the pauses, an answer that is whole counts.
func TestC0135AnswersInPieces(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Delay, q.Pauses = 200*time.Millisecond, 50*time.Millisecond })
		one := r.channel(0, 1)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, c0135Ask, c0135On, c0135Ask) // once each
	})
}

// TestC0135Babbles: garbage is all that it ever answers, though it obeys.
func TestC0135Babbles(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1 << 30 })
		one := r.channel(0, 1)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Sent)
		if !r.sims[0].Active(1) {
			t.Error("it was not told")
		}
		wantFrames(t, r, c0135Ask, c0135Ask, c0135Ask, c0135On)
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Sent)
		start := time.Now()
		_, _ = one.Set(false, "")
		if d := time.Since(start); d > 2*c0135Noise {
			t.Errorf("it took %s, though nothing is to be heard", d)
		}
		wantFrames(t, r, c0135Ask, c0135Off)
		r.want("told off", one, false, true)
		_, _, proof, err = one.Read()
		wantProof(t, "read", proof, err, Sent)

		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 0 })
		r.sims[0].Move(1, true)
		active, known, proof, err := one.Read()
		wantProof(t, "read of one that makes sense", proof, err, Readback)
		if !active || !known {
			t.Errorf("read: got %t %t", active, known)
		}
		proof, err = one.Set(false, "")
		wantProof(t, "set of one that makes sense", proof, err, Acked)
	})
}

// TestC0135BabblesNoMore: then it is gone, as any other.
func TestC0135BabblesNoMore(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1 << 30 })
		one := r.channel(0, 1)
		_, _ = one.Set(true, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
		proof, err := one.Set(false, "")
		wantProof(t, "set", proof, err, Sent)
		_, err = one.Prove(false)
		wantFault(t, "prove", err, true)
		if _, _, err := one.Active(); err == nil {
			t.Error("it is not shown as gone")
		}
	})
}

// TestC0135BabbleMeetsNoFrame: the neighbour is not spoken to while it talks.
func TestC0135BabbleMeetsNoFrame(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}, {Driver: "waveshare", Channels: 8, Unit: 2}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1 << 30 })
		_, _ = r.channel(0, 1).Set(true, "")
		_, _ = r.channel(1, 1).Set(true, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Pauses = 10 * time.Millisecond })
		_, _ = r.channel(0, 1).Set(false, "")
		start := len(r.at) - 1
		proof, err := r.channel(1, 1).Set(false, "")
		wantProof(t, "the neighbour", proof, err, Acked)
		if gap := r.at[start+1].Sub(r.at[start]); gap < 80*time.Millisecond {
			t.Errorf("the next frame came after %s, into the babble", gap)
		}
	})
}

func TestC0135Troubles(t *testing.T) {
	bench(t, []Spec{{Driver: "c0135", Channels: 4}}, func(r *rig) {
		one := r.channel(0, 1)
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
		_, err := one.Set(true, "")
		wantFault(t, "silent from the first", err, false)
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = false })
		time.Sleep(lastPause)
		proof, err := one.Set(true, "")
		wantProof(t, "back", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.Loop = true }) // another adapter
		replug(r)
		proof, err = one.Set(true, "")
		wantProof(t, "looped", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 9 })
		_, err = one.Set(false, "")
		wantFault(t, "lost, looped", err, true)
		r.quirk(0, func(q *boardsim.Quirks) { q.Loop, q.Lost = false, 0 })
		replug(r)
		r.quirk(0, func(q *boardsim.Quirks) { q.BadSum = 2 })
		proof, err = one.Set(false, "")
		wantProof(t, "two bad sums", proof, err, Acked)
	})
	instead(t, "c0135", 2, Spec{Driver: "c0135", Channels: 4, Unit: 1}, func(r *rig) {
		one := r.channel(0, 1)
		_, err := r.channel(0, 4).Set(true, "")
		wantFault(t, "no such channel", err, false)
		proof, err := one.Set(true, "")
		wantProof(t, "of a board that does not tell four", proof, err, Acked)
		proof, err = one.Prove(true)
		wantProof(t, "and is asked", proof, err, Acked)
	})
}
