package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

func devantechs(channels int) []Spec { return []Spec{{Driver: "devantech", Channels: channels}} }

func TestDevantechFrames(t *testing.T) {
	for _, test := range []struct {
		channels int
		version  uint16 // 0: what the simulator has
	}{{2, 0}, {8, 0}, {8, 0x0901}, {8, 0x0F03}} {
		bench(t, devantechs(test.channels), func(r *rig) {
			r.quirk(0, func(q *boardsim.Quirks) { q.Version = test.version })
			if len(r.sent()) != 0 {
				t.Error("something was sent on opening")
			}
			greet := []string{"00", "5A", "5A"}
			for n := 1; n <= test.channels; n++ {
				c := r.channel(0, n)
				moves := watch(r)
				proof, err := c.Set(true, "")
				wantProof(t, "on", proof, err, Sent)
				wantFrames(t, r, append(greet, fmt.Sprintf("%02X", 0x65+n-1))...)
				greet = nil
				proof, err = c.Prove(true)
				wantProof(t, "prove on", proof, err, Readback)
				wantFrames(t, r, "5B", "5A", "5B")
				proof, err = c.Set(false, "")
				wantProof(t, "off", proof, err, Sent)
				wantFrames(t, r, fmt.Sprintf("%02X", 0x6F+n-1))
				if got, want := moves(), fmt.Sprint(n, true, " ", n, false, " "); got != want {
					t.Errorf("channel %d moved %q, want %q", n, got, want)
				}
			}
		})
	}
}

// TestDevantechWaitsForAMask: an earlier program ended behind 5C. No byte can
// then leave the relays as they are; ours drives none (hardware.md 1.6).
func TestDevantechWaitsForAMask(t *testing.T) {
	for _, channels := range []int{2, 8} {
		bench(t, devantechs(channels), func(r *rig) {
			r.sims[0].Move(1, true)
			moves := watch(r)
			r.leave("\x5C")
			active, known, proof, err := r.channel(0, 1).Read()
			wantProof(t, "read", proof, err, Readback)
			if active || !known || moves() != "1 false " {
				t.Errorf("read active %t, known %t; moved %q, want only that relay 1 is released", active, known, moves())
			}
			wantFrames(t, r, "00", "5A", "5A", "5B", "5A", "5B")
			proof, err = r.channel(0, 2).Set(true, "")
			wantProof(t, "set", proof, err, Sent)
			if got := moves(); got != "1 false 2 true " {
				t.Errorf("moved %q", got)
			}
		})
	}
}

// TestDevantechGreetMovesNothing: on any board that waits for no mask.
func TestDevantechGreetMovesNothing(t *testing.T) {
	for _, left := range []string{"", "\x5A", "\x5B", "\x5C\xA5", "\x5D", "\x00", "\xFF"} {
		bench(t, devantechs(8), func(r *rig) {
			r.leave("\x5C\xA5" + left)
			moves := watch(r)
			active, _, proof, err := r.channel(0, 8).Read()
			wantProof(t, "read", proof, err, Readback)
			if got := moves(); !active || got != "" {
				t.Errorf("after % X: active %t, moved %q", left, active, got)
			}
		})
	}
}

func TestDevantechRefused(t *testing.T) {
	for name, test := range map[string]struct {
		channels int
		quirk    func(q *boardsim.Quirks)
		want     string
	}{
		"two for eight": {8, func(q *boardsim.Quirks) { q.Version = 0x0A01 }, "the board refuses: it says that it is module 10, which has 2 relays, want 8"},
		"eight for two": {2, func(q *boardsim.Quirks) { q.Version = 0x0901 }, "the board refuses: it says that it is module 9, which has 8 relays, want 2"},
		"another model": {8, func(q *boardsim.Quirks) { q.Version = 0x0C01 }, "it says that it is module 12, want 8 (RLY08), 9 (RLY16), 10 (RLY02) or 15 (RLY16L)"},
		"dead":          {8, func(q *boardsim.Quirks) { q.Dead = true }, "no answer"},
		"garbage":       {8, func(q *boardsim.Quirks) { q.Noise = 100 }, "an answer that makes no sense: "},
		"a wrong byte":  {8, func(q *boardsim.Quirks) { q.BadSum = 1; q.Lost = 100 }, ""},
	} {
		bench(t, devantechs(test.channels), func(r *rig) {
			r.quirk(0, test.quirk)
			moves := watch(r)
			one := r.channel(0, 1)
			_, err := one.Set(true, "")
			if test.want == "" { // it says what it is when asked again
				wantProof(t, name, Sent, err, Sent)
				wantFrames(t, r, "00", "5A", "5A", "00", "5A", "5A", "65")
				return
			}
			wantFault(t, name, err, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
			if _, known, err := one.Active(); err == nil || known || moves() != "" {
				t.Errorf("%s: known %t, error %v, moved %q", name, known, err, moves())
			}
			for _, f := range r.sent() {
				if f != "00" && f != "5A" {
					t.Errorf("%s: sent %s", name, f)
				}
			}
			r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{} })
			time.Sleep(lastPause)
			proof, err := one.Set(true, "")
			wantProof(t, name+", exchanged", proof, err, Sent)
		})
	}
}

func TestDevantechAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		channels int
		got      string
		want     []bool
	}{
		"eight":             {8, "\x81\x09\x02\x81", []bool{true, false, false, false, false, false, false, true}},
		"two":               {2, "\x02\x09\x02\x02", []bool{false, true}},
		"bits beyond":       {2, "\xFE\x09\x02\xFE", []bool{false, true}},
		"two states":        {8, "\x81\x09\x02\x80", nil},
		"another module":    {8, "\x81\x08\x02\x81", nil},
		"another firmware":  {8, "\x81\x09\x03\x81", nil},
		"shifted by a byte": {8, "\x01\x81\x09\x02", nil},
		"too few":           {8, "\x81\x09\x02", nil},
		"too many":          {8, "\x81\x09\x02\x81\x81", nil},
		"nothing":           {8, "", nil},
	} {
		d := &devantechTalk{channels: test.channels, module: 9, firmware: 2}
		if got := d.read([]byte(test.got)); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestDevantechQuirks(t *testing.T) {
	for name, quirk := range map[string]func(q *boardsim.Quirks){
		"lost":         func(q *boardsim.Quirks) { q.Lost = 1 },
		"one garbled":  func(q *boardsim.Quirks) { q.Noise = 1 },
		"two garbled":  func(q *boardsim.Quirks) { q.Noise = 2 },
		"four garbled": func(q *boardsim.Quirks) { q.Noise = 4 },
		"wrong bytes":  func(q *boardsim.Quirks) { q.BadSum = 3 },
		"stale":        func(q *boardsim.Quirks) { q.Stale = true },
		"halting":      func(q *boardsim.Quirks) { q.Pauses = 15 * time.Millisecond },
		"slow":         func(q *boardsim.Quirks) { q.Delay = 150 * time.Millisecond },
		"late":         func(q *boardsim.Quirks) { q.Delay = devantechLimit + 20*time.Millisecond },
	} {
		bench(t, devantechs(8), func(r *rig) {
			seven := r.channel(0, 7) // the garbage has it on, the wrong byte turns it
			_, _ = seven.Set(true, "")
			_, _, _, _ = seven.Read()
			_, _ = seven.Set(false, "")
			r.quirk(0, quirk)
			_, err := seven.Prove(false)
			if active, known, gone := seven.Active(); known && gone == nil && active || name != "late" && err != nil {
				t.Errorf("%s: thought on, or %v", name, err)
			}
			proof, err := seven.Set(true, "")
			if name == "late" { // it is gone until it answers in time
				r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 0 })
				time.Sleep(lastPause)
				proof, err = seven.Set(true, "")
			}
			wantProof(t, name, proof, err, Sent)
			proof, err = seven.Prove(true)
			wantProof(t, name+", proved", proof, err, Readback)
			r.want(name, seven, r.sims[0].Active(7), true)
		})
	}
}

// TestDevantechLatching: a RLY16L stays as it is without power, and is asked
// before it is believed.
func TestDevantechLatching(t *testing.T) {
	bench(t, devantechs(8), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Version, q.Latching = 0x0F01, true })
		three := r.channel(0, 3)
		_, _ = three.Set(true, "")
		r.cable.Unplug()
		r.sims[0].PowerCycle()
		time.Sleep(lookEvery + time.Millisecond)
		if _, known, err := three.Active(); err == nil || known {
			t.Error("not shown as gone")
		}
		r.cable.Plug()
		time.Sleep(lastPause)
		r.want("back, not asked", three, false, false)
		active, known, proof, err := three.Read()
		wantProof(t, "read", proof, err, Readback)
		if !active || !known || !r.sims[0].Active(3) {
			t.Errorf("read active %t, known %t", active, known)
		}
	})
}

func FuzzDevantech(f *testing.F) {
	f.Add([]byte("\x81\x09\x02\x81"), byte(9), byte(2))
	f.Add([]byte("\x02\x0A\x01\x02"), byte(10), byte(1))
	f.Fuzz(func(t *testing.T, got []byte, module, firmware byte) {
		d := &devantechTalk{channels: devantechRelays(module), module: module, firmware: firmware}
		on := d.read(got)
		if on == nil {
			return
		}
		if len(on) != d.channels || len(got) != 4 || got[1] != module || got[2] != firmware {
			t.Fatalf("% X: got %v", got, on)
		}
		for i, is := range on {
			if is != (got[0]&(1<<i) != 0) || is != (got[3]&(1<<i) != 0) {
				t.Errorf("% X: got %v", got, on)
			}
		}
	})
}
