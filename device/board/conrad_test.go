package board

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

func cards(n int) []Spec { return []Spec{{Driver: "conrad", Channels: 8 * n}} }

const (
	conradHello = "01 01 00 00"
	conradAsk1  = "02 01 00 03"
	conradAsk2  = "02 02 00 00"
)

// TestConradFrames: the frames of the maker's manual; SETUP once per connection.
func TestConradFrames(t *testing.T) {
	bench(t, cards(1), func(r *rig) {
		if len(r.sent()) != 0 {
			t.Error("something was sent on opening")
		}
		one, six := r.channel(0, 1), r.channel(0, 6)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, conradHello, conradAsk1, "03 01 01 03")
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, conradAsk1)
		_, _ = six.Set(true, "")
		_, _ = one.Set(false, "")
		wantFrames(t, r, conradAsk1, "03 01 21 23", conradAsk1, "03 01 20 22")
		r.cable.Unplug()
		time.Sleep(lookEvery + time.Millisecond)
		r.cable.Plug()
		time.Sleep(lastPause)
		_, _ = one.Set(true, "")
		wantFrames(t, r, conradHello, conradAsk1, "03 01 21 23")
	})
}

// TestConradChain: the channels go on from card to card.
func TestConradChain(t *testing.T) {
	bench(t, cards(2), func(r *rig) {
		proof, err := r.channel(0, 9).Set(true, "")
		wantProof(t, "the first of the second card", proof, err, Acked)
		wantFrames(t, r, conradHello, conradAsk2, "03 02 01 00")
		proof, err = r.channel(0, 9).Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		_, _ = r.channel(0, 8).Set(true, "")
		_, _ = r.channel(0, 16).Set(true, "")
		wantFrames(t, r, conradAsk1, conradAsk2, conradAsk1, "03 01 80 82", conradAsk2, "03 02 81 80")
		for n := 1; n <= 16; n++ {
			if is := r.sims[0].Active(n); is != (n == 8 || n == 9 || n == 16) {
				t.Errorf("channel %d is %t", n, is)
			}
		}
	})
}

// TestConradCounts: a chain must have the cards that the config has channels for.
func TestConradCounts(t *testing.T) {
	for _, test := range []struct {
		channels, cards int
		want            string
	}{
		{8, 1, ""}, {8, 2, ""}, {16, 1, "1 cards answer, want 2: one for each 8 channels"}, {64, 3, "3 cards answer, want 8"},
		{8, 0, "0 cards answer, want 1"}, // a plug without a card sends all back
	} {
		against(t, Spec{Driver: "conrad", Channels: test.channels}, func(f []byte) (p []byte) {
			if f[0] != 1 {
				return []byte{^f[0], f[1], 0, ^f[0] ^ f[1]}
			}
			for i := range test.cards {
				p = append(p, 0xFE, byte(i+1), 0, 0xFE^byte(i+1))
			}
			return append(p, 1, byte(test.cards+1), 0, 1^byte(test.cards+1))
		}, func(b *Board) {
			proof, err := b.channels[0].Set(true, "")
			if test.want == "" {
				wantProof(t, "set", proof, err, Acked)
				return
			}
			wantFault(t, test.want, err, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestConradMovesOneRelay: a card is told all its relays at once, yet others
// stay where they are, also those that nobody here told, and those told just
// before, although the card may show them late.
func TestConradMovesOneRelay(t *testing.T) {
	bench(t, cards(1), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Lag = 40 * time.Millisecond })
		r.sims[0].Move(8, true)
		var all sync.WaitGroup
		for n := 1; n <= 7; n++ {
			c := r.channel(0, n)
			all.Go(func() { _, _ = c.Set(true, "") })
		}
		all.Wait()
		for n := 1; n <= 8; n++ {
			if !r.sims[0].Active(n) {
				t.Errorf("relay %d is off", n)
			}
		}
		// Said again, it does not bring back what went in between.
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 1 })
		time.AfterFunc(100*time.Millisecond, func() { r.sims[0].Move(8, false) })
		proof, err := r.channel(0, 1).Set(false, "")
		wantProof(t, "set after one was lost", proof, err, Acked)
		if r.sims[0].Active(8) || r.sims[0].Active(1) || !r.sims[0].Active(2) {
			t.Errorf("relays 8, 1, 2: got %t %t %t, want only the last on", r.sims[0].Active(8), r.sims[0].Active(1), r.sims[0].Active(2))
		}
	})
}

// TestConradWithoutAddress: cards that had no power send all back; they are
// gone until SETUP gave them addresses.
func TestConradWithoutAddress(t *testing.T) {
	bench(t, cards(1), func(r *rig) {
		c := r.channel(0, 2)
		_, _ = c.Set(true, "")
		r.sims[0].PowerCycle()
		r.sent()
		_, err := c.Set(true, "")
		wantFault(t, "no address", err, false) // only a question went out
		if err == nil || !strings.Contains(err.Error(), "the frame came back: no card has this address") {
			t.Errorf("got %v", err)
		}
		wantFrames(t, r, conradAsk1, conradAsk1, conradAsk1)
		if _, _, err := c.Active(); err == nil {
			t.Error("it is not shown as gone")
		}
		time.Sleep(time.Second)
		wantFrames(t, r, conradHello, conradAsk1)
		r.want("after its return", c, false, true)
		proof, err := c.Set(true, "")
		wantProof(t, "after its return", proof, err, Acked)
	})
}

// TestConradFindsTheEndOfAFrame: with bytes too many on the line nothing but the
// relay that is told moves, and no frame is for address 0. (03 alone is left
// out: before a question to card 1 it makes a right command, whatever we do.)
func TestConradFindsTheEndOfAFrame(t *testing.T) {
	for _, met := range []bool{false, true} {
		for _, noise := range []string{
			"\x55", "\x00", "\x01", "\x02", "\xFF", "\x03\x02", "\x03\x03", "\x06\x02", "\x00\x00", "\xFF\xFF\xFF", "\x03\x02\x01",
		} {
			bench(t, cards(3), func(r *rig) {
				moved := map[int]int{}
				r.sims[0].Watch(func(channel int, _ bool) { moved[channel]++ })
				if met {
					_, _ = r.channel(0, 2).Set(false, "")
				}
				other, err := r.cable.Open()
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
				if err := other.Write([]byte(noise)); err != nil {
					t.Fatal(err)
				}
				for n := 2; n < 24; n += 8 { // the questions to all three
					proof, err := r.channel(0, n).Set(true, "")
					wantProof(t, "set", proof, err, Acked)
					if n == 2 {
						_ = other.Write([]byte(noise))
					}
				}
				for n := 1; n <= 24; n++ {
					if want := map[bool]int{n == 2 || n == 10 || n == 18: 1}[true]; moved[n] != want {
						t.Errorf("after % X: relay %d moved %d times, want %d", noise, n, moved[n], want)
					}
				}
				for _, f := range r.sent() {
					if strings.Count(f, " ") == 3 && strings.HasPrefix(f[3:], "00") {
						t.Errorf("a frame for address 0: %s", f)
					}
				}
			})
		}
	}
}

// lossy loses the first byte of the frames that its list has.
type lossy struct {
	*boardsim.End
	lose []string
}

func (w *lossy) Write(p []byte) error {
	if len(w.lose) > 0 && w.lose[0] == hexOf(p) {
		w.lose, p = w.lose[1:], p[1:]
	}
	return w.End.Write(p)
}

// TestConradLosesAByte: the rest waits at a card for its fourth, which the same
// frame said again has: 01 00 03, then 02, gives the cards other addresses.
func TestConradLosesAByte(t *testing.T) {
	for _, lose := range [][]string{
		{conradHello}, {conradAsk1}, {conradAsk1, conradAsk1}, {"03 01 01 03"}, {conradAsk1, "03 01 01 03"}, {conradHello, conradAsk1},
	} {
		synctest.Test(t, func(t *testing.T) {
			sim, _ := boardsim.New("conrad", 16, 0, boardsim.Quirks{})
			cable := boardsim.NewCable(sim)
			p := NewPort(func() (Wire, error) {
				end, err := cable.Open()
				return &lossy{end, slices.Clone(lose)}, err
			}, PortOptions{})
			b, err := p.Add(cards(2)[0])
			if err != nil {
				t.Fatal(err)
			}
			defer runPort(t, p)()
			proof, err := b.channels[0].Set(true, "")
			wantProof(t, strings.Join(lose, ", "), proof, err, Acked)
			for n := 1; n <= 16; n++ {
				if is := sim.Active(n); is != (n == 1) {
					t.Errorf("%s lost a byte: relay %d is %t", lose, n, is)
				}
			}
		})
	}
}

// TestConradErrors: a card that got a frame with an error did not do it; one
// behind it may have got the answer with one. Both are told again.
func TestConradErrors(t *testing.T) {
	for name, test := range map[string]struct {
		times     int
		answer    []byte
		uncertain bool
	}{
		"the card":          {mostTries, []byte{0xFF, 2, 0, 0xFD}, false},
		"one before":        {mostTries, []byte{0xFF, 1, 0, 0xFE}, false},
		"one behind":        {mostTries, []byte{0xFF, 3, 0, 0xFC}, true},
		"silence":           {mostTries, nil, true},
		"a wrong sum":       {mostTries, []byte{0xFC, 2, 0, 0xFF}, true},
		"not inverted":      {mostTries, []byte{3, 2, 1, 0}, false},
		"another's":         {mostTries, []byte{0xFC, 1, 0, 0xFD}, true},
		"the answer to 2":   {mostTries, []byte{0xFD, 2, 0, 0xFF}, true},
		"once":              {1, []byte{0xFF, 2, 0, 0xFD}, false},
		"once, then behind": {2, []byte{0xFF, 3, 0, 0xFC}, false},
	} {
		sets := 0
		against(t, cards(3)[0], func(f []byte) []byte {
			switch {
			case len(f) == 1:
				return nil
			case f[0] == 1:
				return []byte{0xFE, 1, 0, 0xFF, 0xFE, 2, 0, 0xFC, 0xFE, 3, 0, 0xFD, 1, 4, 0, 5}
			case f[0] == 3:
				if sets++; sets <= test.times {
					return bytes.Clone(test.answer)
				}
			}
			return []byte{^f[0], f[1], 0, ^f[0] ^ f[1]}
		}, func(b *Board) {
			proof, err := b.channels[8].Set(true, "")
			if test.times < mostTries {
				wantProof(t, name, proof, err, Acked)
			} else {
				wantFault(t, name, err, test.uncertain)
			}
			if want := min(test.times+1, mostTries); sets != want {
				t.Errorf("%s: told %d times, want %d", name, sets, want)
			}
		})
	}
}

func TestConradInNoiseAndSilence(t *testing.T) {
	bench(t, cards(1), func(r *rig) {
		c := r.channel(0, 3)
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 2 }) // both answers to SETUP
		proof, err := c.Set(true, "")
		wantProof(t, "noise", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.BadSum = 1 })
		proof, err = c.Set(false, "")
		wantProof(t, "a wrong sum", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.Silent = true })
		_, err = c.Set(true, "")
		wantFault(t, "no answer to the question", err, false)
		if r.sims[0].Active(3) {
			t.Error("told without knowing the other relays")
		}
		r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{Dead: true} })
		time.Sleep(lastPause)
		_, err = c.Set(true, "")
		wantFault(t, "dead", err, false)
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = false })
		time.Sleep(2 * lastPause)
		proof, err = c.Set(true, "")
		wantProof(t, "alive", proof, err, Acked)
	})
}
