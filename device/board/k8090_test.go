package board

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

func velleman() []Spec { return []Spec{{Driver: "k8090", Channels: 8}} }

const (
	k8090On1  = "04 11 01 00 00 EA 0F"
	k8090Off1 = "04 12 01 00 00 E9 0F"
	k8090Ask  = "04 18 00 00 00 E4 0F"
)

// TestK8090Frames: the frames of the catalogue, and nothing on opening.
func TestK8090Frames(t *testing.T) {
	bench(t, velleman(), func(r *rig) {
		if len(r.sent()) != 0 {
			t.Error("something was sent on opening")
		}
		one, eight := r.channel(0, 1), r.channel(0, 8)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, k8090On1)
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, k8090Ask)
		r.want("asked along", eight, false, true)
		r.quirk(0, func(q *boardsim.Quirks) { q.Pauses = time.Millisecond }) // byte by byte
		_, _ = one.Set(false, "")
		proof, err = eight.Set(true, "")
		wantProof(t, "set the last", proof, err, Acked)
		wantFrames(t, r, k8090Off1, "04 11 80 00 00 6B 0F")
		if r.sims[0].Active(1) || !r.sims[0].Active(8) {
			t.Error("the wrong relays moved")
		}
	})
}

// TestK8090SilenceIsNoFailure: it says nothing when nothing changed, so it is
// asked; and it may have lost the command.
func TestK8090SilenceIsNoFailure(t *testing.T) {
	bench(t, velleman(), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(true, "")
		r.sent()
		proof, err := one.Set(true, "")
		wantProof(t, "set again", proof, err, Acked)
		wantFrames(t, r, k8090On1, k8090Ask)
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 2 })
		proof, err = one.Set(false, "")
		wantProof(t, "after two that were lost", proof, err, Acked)
		wantFrames(t, r, k8090Off1, k8090Ask, k8090Off1, k8090Ask, k8090Off1)
		if r.sims[0].Active(1) {
			t.Error("the relay did not move")
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 100 })
		_, err = one.Set(true, "")
		wantFault(t, "a relay that stays", err, true)
		if err == nil || !strings.Contains(err.Error(), "the board refuses: told several times") {
			t.Errorf("got %v", err)
		}
		r.want("a relay that stays", one, false, false) // and the board is not gone
		r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{Silent: true} })
		_, err = one.Set(false, "")
		wantFault(t, "no answer to the question", err, true)
		if _, _, err := one.Active(); err == nil {
			t.Error("it is not shown as gone")
		}
		r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{Dead: true} })
		time.Sleep(lastPause)
		_, err = one.Set(true, "")
		wantFault(t, "dead", err, false)
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = false })
		time.Sleep(2 * lastPause)
		proof, err = one.Set(true, "")
		wantProof(t, "alive", proof, err, Acked)
	})
}

// TestK8090Buttons: what its own buttons do is learned without a question: while
// nothing is said, before a frame, while a command or a question waits, and
// however it is cut.
func TestK8090Buttons(t *testing.T) {
	bench(t, velleman(), func(r *rig) {
		one, five := r.channel(0, 1), r.channel(0, 5)
		_, _, _, _ = one.Read()
		press := func(what string, active bool, then func()) {
			t.Helper()
			r.drain()
			then()
			if len(five.news) == 0 {
				t.Errorf("%s: no news", what)
			}
			r.want(what, five, active, true)
		}
		press("while nothing is said", true, func() {
			r.sims[0].Move(5, true)
			time.Sleep(lookEvery + time.Millisecond)
		})
		press("before a frame", false, func() {
			r.sims[0].Move(5, false)
			_, _ = one.Set(true, "")
		})
		press("while a command waits", true, func() {
			r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 1 })
			time.AfterFunc(k8090Moves/2, func() { r.sims[0].Move(5, true) })
			proof, err := one.Set(false, "")
			wantProof(t, "set", proof, err, Acked)
		})
		r.want("the command", one, false, true)
		if r.sims[0].Active(1) {
			t.Error("the event of a button was taken for its own")
		}
		if len(one.news) > 0 {
			t.Error("news of its own set")
		}
		press("cut", false, func() {
			for _, c := range []byte("\x04\x51\x10\x00\x00\x9B\x0F") {
				r.cable.Say(string([]byte{c}))
				time.Sleep(lookEvery + time.Millisecond)
			}
		})
		press("behind an answer, cut", true, func() {
			r.sims[0].Move(5, false) // as it said
			_, _ = one.Set(true, "") // drops nothing
			r.cable.Say("\x04\x51\x01")
			_, _ = one.Set(false, "")
			r.sims[0].Move(5, true)
			time.Sleep(lookEvery + time.Millisecond)
		})
		press("a question is answered by less", false, func() {
			r.quirk(0, func(q *boardsim.Quirks) { q.Silent = true })
			time.AfterFunc(k8090Limit/2, func() { r.sims[0].Move(5, false) })
			if active, known, proof, err := five.Read(); active || !known || proof != Readback || err != nil {
				t.Errorf("read: got %t %t %s %v", active, known, proof, err)
			}
		})
	})
}

// TestK8090EventInPieces: its beginning comes before a frame is sent, its rest
// after it, two bytes at a time.
func TestK8090EventInPieces(t *testing.T) {
	var sent []string
	on1, off1 := unhex(t, "04 51 00 01 00 AA 0F"), unhex(t, "04 51 01 00 00 AA 0F")
	against(t, velleman()[0], func(f []byte) []byte {
		sent = append(sent, hexOf(f))
		if len(sent) == 1 {
			return append(bytes.Clone(on1), off1[:3]...)
		}
		return off1[3:]
	}, func(b *Board) {
		for _, active := range []bool{true, false} {
			proof, err := b.channels[0].Set(active, "")
			wantProof(t, "set", proof, err, Acked)
		}
		if want := []string{k8090On1, k8090Off1}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})
}

// TestK8090InNoise: an answer that is none is silence.
func TestK8090InNoise(t *testing.T) {
	bench(t, velleman(), func(r *rig) {
		one := r.channel(0, 1)
		for name, quirk := range map[string]func(q *boardsim.Quirks){
			"noise": func(q *boardsim.Quirks) { q.Noise = 1 }, "a wrong end": func(q *boardsim.Quirks) { q.BadSum = 1 },
			"noise and a wrong end": func(q *boardsim.Quirks) { q.Noise, q.BadSum = 1, 1 },
		} {
			r.quirk(0, quirk)
			proof, err := one.Set(!r.sims[0].Active(1), "")
			wantProof(t, name, proof, err, Acked)
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 100 })
		_, err := one.Set(false, "")
		wantFault(t, "noise alone", err, true)
	})
}

func TestK8090Takes(t *testing.T) {
	const on3 = "04 51 00 04 00 A7 0F"
	for name, test := range map[string]struct {
		got  string
		want int // relays; -1: nothing
		left int
	}{
		"a status":            {on3, 4, 0},
		"with a timer":        {"04 51 04 05 01 A1 0F", 5, 0},
		"the last counts":     {on3 + "04 51 04 00 00 A7 0F", 0, 0},
		"its beginning":       {"04 51 00 04 00 A7", -1, 6},
		"and the next's":      {on3 + "04 51", 4, 2},
		"noise before":        {"55 04 04 51" + on3, 4, 0},
		"wrong sum":           {"04 51 00 04 00 A6 0F", -1, 6},
		"wrong end":           {"04 51 00 04 00 A7 0E", -1, 6},
		"another event":       {"04 50 01 01 00 AA 0F", -1, 0}, // of a button, from memory
		"one inside another":  {"04 50 04 51 00 57 0F", -1, 0},
		"one behind a broken": {"04 51 00" + on3, 4, 0},
		"nothing":             {"", -1, 0},
	} {
		k := new(k8090Talk)
		relays, told := k.take(unhex(t, test.got))
		if told != (test.want >= 0) || told && int(relays) != test.want || len(k.in) != test.left {
			t.Errorf("%s: got %X %t, keeps % X; want %d and %d bytes", name, relays, told, k.in, test.want, test.left)
		}
	}
}

// FuzzK8090Heard: it tells the same however it is cut, keeps less than a frame,
// and says nothing that no sound frame says.
func FuzzK8090Heard(f *testing.F) {
	f.Add([]byte("\x04\x51\x00\x04\x00\xA7\x0F"), 3)
	f.Add([]byte("\x04\x51\x04\x51\x04\x51\x00\x04\x00\xA7\x0F\x04"), 1)
	f.Fuzz(func(t *testing.T, got []byte, step int) {
		step = max(1, min(step, len(got)))
		whole, cut := new(k8090Talk), new(k8090Talk)
		levels := whole.heard(got)
		var last []level
		for p := range slices.Chunk(got, step) {
			if l := cut.heard(p); l != nil {
				last = l
			}
		}
		if !slices.Equal(levels, last) || !bytes.Equal(whole.in, cut.in) {
			t.Errorf("% X by %d: %v, in one piece %v", got, step, last, levels)
		}
		if len(whole.in) >= k8090Length {
			t.Errorf("keeps % X", whole.in)
		}
		if levels != nil && (len(levels) != 8 || !bytes.Contains(got, []byte{0x04, k8090Status})) {
			t.Errorf("% X: heard %v", got, levels)
		}
	})
}
