package board

import (
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

const (
	eletechAsk  = "01 03 00 01 00 08 15 CC"
	eletechOn   = "01 06 00 01 01 00 D9 9A"
	eletechOff  = "01 06 00 01 02 00 D9 6A"
	eletechTen  = "01 06 00 01 06 0A 5B AD"
	eletechStop = "01 06 00 01 06 00 DB AA"
)

// TestEletechsupFrames: byte by byte. Section 7 of hardware.md: "asymmetric
// values": 0100 is written, 0001 read.
func TestEletechsupFrames(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 8}}, func(r *rig) {
		one := r.channel(0, 1)
		for _, active := range []bool{true, false} {
			proof, err := one.Set(active, "")
			wantProof(t, "set", proof, err, Acked)
			if r.sims[0].Active(1) != active {
				t.Errorf("told %t, is not", active)
			}
			proof, err = one.Prove(active)
			wantProof(t, "prove", proof, err, Readback)
		}
		wantFrames(t, r, eletechAsk, eletechOn, eletechAsk, eletechOff, eletechAsk)
		kept, proof, err := one.Timed(true, 9500*time.Millisecond, "")
		wantProof(t, "timed", proof, err, Acked)
		wantFrames(t, r, eletechTen)
		if kept != 10*time.Second {
			t.Errorf("kept %s, want 10s", kept)
		}
		if one.CanTime(false, time.Second) || one.CanTime(true, 256*time.Second) || !one.CanTime(true, 255*time.Second) {
			t.Error("times what the board cannot, or not what it can")
		}
	})
}

// TestEletechsupReadsEightAtATime: some boards answer no more.
func TestEletechsupReadsEightAtATime(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 16}}, func(r *rig) {
		last := r.channel(0, 16)
		_, _ = last.Set(true, "")
		proof, err := last.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		r.want("of the second eight", last, true, true)
		wantFrames(t, r, eletechAsk, "01 03 00 09 00 08 94 0E", "01 06 00 10 01 00 89 9F", eletechAsk, "01 03 00 09 00 08 94 0E")
	})
}

// TestEletechsupEmergencyOff: section 7 of hardware.md, "0600 then 0200".
func TestEletechsupEmergencyOff(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 8}}, func(r *rig) {
		one := r.channel(0, 1)
		_, _, _ = one.Timed(true, 10*time.Second, "")
		time.Sleep(time.Second)
		r.sent()
		proof, err := one.Set(false, "")
		wantProof(t, "off", proof, err, Acked)
		wantFrames(t, r, eletechStop, eletechOff)
		if r.sims[0].Active(1) {
			t.Error("the relay is still on: the delay was not ended")
		}
		proof, err = one.Prove(false)
		wantProof(t, "prove", proof, err, Readback)
		r.sent()
		_, _ = one.Set(true, "") // nothing runs any more
		_, _ = one.Set(false, "")
		wantFrames(t, r, eletechOn, eletechOff)

		_, _, _ = one.Timed(true, 10*time.Second, "")
		time.Sleep(5 * time.Second)
		r.sent()
		_, _, _ = one.Timed(true, 10*time.Second, "") // starts anew
		wantFrames(t, r, eletechStop, eletechTen)
		time.Sleep(9 * time.Second)
		if !r.sims[0].Active(1) {
			t.Error("the second delay was not started")
		}
		time.Sleep(2 * time.Second)
		r.want("after it", one, false, true)
		r.sent()
		_, _ = one.Set(false, "") // it is over
		wantFrames(t, r, eletechOff)

		_, _, _ = one.Timed(true, 10*time.Second, "")
		time.Sleep(10*time.Second + 50*time.Millisecond)
		_, _, _, _ = one.Read()
		time.Sleep(time.Second)
		r.sent()
		_, _ = one.Set(true, "") // it was seen to be over
		wantFrames(t, r, eletechOn)
	})
}

// TestEletechsupDelayOfAnEarlierAgent: who started it is gone, and the board does
// not say that one runs.
func TestEletechsupDelayOfAnEarlierAgent(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 8}}, func(r *rig) {
		_, _, _ = r.channel(0, 1).Timed(true, 200*time.Second, "")
		r.port = NewPort(r.open, PortOptions{})
		b, err := r.port.Add(r.boards[0].spec)
		if err != nil {
			t.Fatal(err)
		}
		stop := runPort(r.t, r.port)
		defer stop()
		r.sent()
		one, two := b.channels[0], b.channels[1]
		_, _ = two.Set(false, "") // was off: no delay runs
		_, _ = one.Set(true, "")  // on, it must not be made to blink
		wantFrames(t, r, eletechAsk, "01 06 00 02 02 00 29 6A", eletechOn)
		proof, err := one.Set(false, "")
		wantProof(t, "off", proof, err, Acked)
		_, _ = one.Set(true, "")
		_, _ = one.Set(false, "")
		wantFrames(t, r, eletechStop, eletechOff, eletechOn, eletechOff)
		time.Sleep(300 * time.Second)
		if r.sims[0].Active(1) {
			t.Error("on again")
		}
		r.sims[0].Move(3, true)
		replug(r)
		_, _, err = b.channels[2].Timed(true, 10*time.Second, "")
		wantFrames(t, r, eletechAsk, "01 06 00 03 06 00 7A 6A", "01 06 00 03 06 0A FA 6D")
		if err != nil || !r.sims[0].Active(3) {
			t.Errorf("timed: %v, active %t", err, r.sims[0].Active(3))
		}
	})
}

// TestEletechsupDelayThatCannotBeEnded: then nothing more is sent, and nobody
// knows.
func TestEletechsupDelayThatCannotBeEnded(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 4}}, func(r *rig) {
		one := r.channel(0, 1)
		_, _, _ = one.Timed(true, 10*time.Second, "")
		r.sent()
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = mostTries })
		_, err := one.Set(false, "")
		wantFault(t, "off", err, true)
		if err == nil || !strings.Contains(err.Error(), "end the board's timer: no answer") {
			t.Errorf("got %v", err)
		}
		wantFrames(t, r, eletechStop, eletechStop, eletechStop)
		time.Sleep(time.Second)
		_, err = one.Set(false, "")
		if err != nil || r.sims[0].Active(1) {
			t.Errorf("off again: %v, active %t", err, r.sims[0].Active(1))
		}
	})
}

// TestEletechsupSettles: what it shows is right only 100 ms after a command.
func TestEletechsupSettles(t *testing.T) {
	bench(t, []Spec{{Driver: "eletechsup", Channels: 8}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Lag = 100 * time.Millisecond })
		one := r.channel(0, 1)
		for _, active := range []bool{true, false, true} {
			_, _ = one.Set(active, "")
			r.sent()
			proof, err := one.Prove(active)
			wantProof(t, "prove", proof, err, Readback)
			wantFrames(t, r, eletechAsk) // and it was not told again
		}
	})
}

// TestEletechsupThatRefusesToEndADelay: it is told to go off all the same.
func TestEletechsupThatRefusesToEndADelay(t *testing.T) {
	instead(t, "modbus-generic", 16, Spec{Driver: "eletechsup", Channels: 8, Unit: 1}, func(r *rig) {
		r.sims[0].Move(2, true) // register 1 is its second
		_, err := r.channel(0, 1).Set(false, "")
		wantFault(t, "a board that knows neither", err, true)
		wantFrames(t, r, eletechAsk, eletechStop, eletechOff)
	})
}

func TestEletechsupTroubles(t *testing.T) {
	troubles(t, Spec{Driver: "eletechsup", Channels: 8})
	instead(t, "eletechsup", 4, Spec{Driver: "eletechsup", Channels: 8, Unit: 1}, func(r *rig) {
		r.sims[0].Move(1, true)
		_, err := r.channel(0, 8).Set(true, "")
		wantFault(t, "no such channel", err, false)
		r.sent()
		proof, err := r.channel(0, 1).Set(false, "") // it does not tell its states: a delay may run
		wantProof(t, "off", proof, err, Acked)
		wantFrames(t, r, eletechStop, eletechOff)
	})
}
