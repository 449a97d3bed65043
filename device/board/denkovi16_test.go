package board

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

func denkovis() []Spec { return []Spec{{Driver: "denkovi16", Channels: 16}} }

// inHex are the frames of these texts as the rig shows them.
func inHex(texts ...string) (frames []string) {
	for _, s := range texts {
		frames = append(frames, hexOf([]byte(s)))
	}
	return frames
}

func hexOf(p []byte) string {
	const digits = "0123456789ABCDEF"
	var s strings.Builder
	for i, c := range p {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// TestDenkoviFrames: NN+//, NN-// and ask//, and nothing on opening.
func TestDenkoviFrames(t *testing.T) {
	bench(t, denkovis(), func(r *rig) {
		if len(r.sent()) != 0 {
			t.Error("something was sent on opening")
		}
		one, nine, last := r.channel(0, 1), r.channel(0, 9), r.channel(0, 16)
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, inHex("ask//", "01+//")...)
		wantFrames(t, r) // the greeting is said once
		_, _ = nine.Set(true, "")
		_, _ = last.Set(true, "")
		_, _ = nine.Set(false, "")
		wantFrames(t, r, inHex("09+//", "16+//", "09-//")...)
		proof, err = last.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		wantFrames(t, r, inHex("ask//", "ask//")...)
		for n := 1; n <= 16; n++ {
			r.want("after the question", r.channel(0, n), n == 1 || n == 16, true)
		}
	})
}

func TestDenkoviStates(t *testing.T) {
	for _, test := range []struct {
		bitmap string
		on     []int
	}{
		{"\x00\x00", nil}, {"\x80\x00", []int{1}}, {"\x01\x00", []int{8}}, {"\x00\x80", []int{9}}, {"\x00\x01", []int{16}},
		{"//", []int{3, 5, 6, 7, 8, 11, 13, 14, 15, 16}},
	} {
		var on []int
		for i, a := range denkoviStates([]byte(test.bitmap)) {
			if a {
				on = append(on, i+1)
			}
		}
		if !slices.Equal(on, test.on) {
			t.Errorf("% X: got %v, want %v", test.bitmap, on, test.on)
		}
	}
}

// TestDenkoviBitmapOfSlashes: the states are told by their length; here they
// look like the end of a line.
func TestDenkoviBitmapOfSlashes(t *testing.T) {
	bench(t, denkovis(), func(r *rig) {
		for i, on := range denkoviStates([]byte("//")) {
			r.sims[0].Move(i+1, on)
		}
		for n := 1; n <= 16; n++ {
			active, known, proof, err := r.channel(0, n).Read()
			if want := r.sims[0].Active(n); active != want || !known || proof != Readback || err != nil {
				t.Errorf("channel %d: got %t %t %s %v, want %t", n, active, known, proof, err, want)
			}
		}
	})
}

// TestDenkoviKeepsItsGap: one that comes sooner would be lost, a question too.
func TestDenkoviKeepsItsGap(t *testing.T) {
	bench(t, denkovis(), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.TooFast = 50 * time.Millisecond })
		var all sync.WaitGroup
		for n := 1; n <= 16; n++ {
			c := r.channel(0, n)
			all.Go(func() {
				_, _ = c.Set(true, "")
				proof, err := c.Prove(true)
				wantProof(t, "prove", proof, err, Readback)
			})
		}
		all.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := 1; i < len(r.at); i++ {
			if gap := r.at[i].Sub(r.at[i-1]); gap < 50*time.Millisecond {
				t.Errorf("frame %d came %s after the one before", i, gap)
			}
		}
		if want := 1 + 16 + 2*16; len(r.frames) != want {
			t.Errorf("%d frames, want %d: none lost, none said again", len(r.frames), want)
		}
	})
}

// TestDenkoviInNoise: an echo that is not one is no ack, and a bit that is
// wrong once is not believed.
func TestDenkoviInNoise(t *testing.T) {
	bench(t, denkovis(), func(r *rig) {
		c := r.channel(0, 2)
		_, _ = c.Set(false, "")
		r.sent()
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1; q.BadSum = 1 })
		proof, err := c.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		wantFrames(t, r, inHex("02+//", "02+//", "02+//")...)
		r.quirk(0, func(q *boardsim.Quirks) { q.BadSum = 1 }) // relay 10
		active, known, proof, err := r.channel(0, 10).Read()
		if active || !known || proof != Readback || err != nil {
			t.Errorf("a wrong bit: got %t %t %s %v", active, known, proof, err)
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 2 * mostTries })
		_, err = c.Prove(true)
		wantFault(t, "noise alone", err, true)
		if err == nil || !strings.Contains(err.Error(), "an answer that makes no sense: ") {
			t.Errorf("noise alone: got %v", err)
		}
	})
}

// TestDenkoviLateEcho: what comes back of a command late is not taken for states.
func TestDenkoviLateEcho(t *testing.T) {
	bench(t, denkovis(), func(r *rig) {
		c := r.channel(0, 1)
		_, _ = c.Set(false, "")
		r.quirk(0, func(q *boardsim.Quirks) {
			q.Delay = mostTries*(denkoviLimit+50*time.Millisecond) + 180*time.Millisecond
		})
		_, err := c.Set(true, "")
		wantFault(t, "too late", err, true)
		time.Sleep(170 * time.Millisecond) // asked again, and the first echo comes
		for n := 1; n <= 16; n++ {
			active, known, err := r.channel(0, n).Active()
			if known && err == nil && active != r.sims[0].Active(n) {
				t.Errorf("channel %d is said to be %t", n, active)
			}
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 0 })
		time.Sleep(2 * lastPause)
		proof, err := c.Set(true, "")
		wantProof(t, "in time again", proof, err, Acked)
	})
}

func TestDenkoviSilent(t *testing.T) {
	for name, quirk := range map[string]func(q *boardsim.Quirks){
		"away":            func(q *boardsim.Quirks) { q.Dead = true },
		"tells no states": func(q *boardsim.Quirks) { q.Silent = true },
		"loops":           func(q *boardsim.Quirks) { q.Loop = true }, // what comes back would not be the board's
	} {
		bench(t, denkovis(), func(r *rig) {
			r.quirk(0, quirk)
			_, err := r.channel(0, 3).Set(true, "")
			wantFault(t, name, err, false)
			if _, _, err := r.channel(0, 3).Active(); err == nil {
				t.Errorf("%s: it is not shown as gone", name)
			}
			for _, f := range r.sent() {
				if f != inHex("ask//")[0] {
					t.Errorf("%s: a command was sent: %s", name, f)
				}
			}
			r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{} })
			time.Sleep(lastPause)
			proof, err := r.channel(0, 3).Set(true, "")
			wantProof(t, name+", exchanged", proof, err, Acked)
			r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
			_, err = r.channel(0, 3).Set(false, "")
			wantFault(t, name+", then dead", err, true)
		})
	}
}

// TestDenkoviHalfACommandBefore: what an earlier program left makes no command
// with what is said first.
func TestDenkoviHalfACommandBefore(t *testing.T) {
	for _, left := range []string{"0", "01", "01+", "01+/", "of", "off/", "x", "x/", "xab/", "ask", "\x00"} {
		bench(t, denkovis(), func(r *rig) {
			other, err := r.cable.Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Write([]byte(left)); err != nil {
				t.Fatal(err)
			}
			_ = other.Close()
			proof, err := r.channel(0, 5).Set(true, "")
			wantProof(t, left, proof, err, Acked)
			for n := 1; n <= 16; n++ {
				if is := r.sims[0].Active(n); is != (n == 5) {
					t.Errorf("after %q: channel %d is %t", left, n, is)
				}
			}
		})
	}
}

// teller is a wire to a board that says what say gives for each frame.
type teller struct {
	say func(frame []byte) []byte

	mu     sync.Mutex
	unread []byte
}

func (w *teller) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unread = nil
	return nil
}

func (w *teller) Write(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unread = append(w.unread, w.say(p)...)
	return nil
}

func (w *teller) ReadUntil(p []byte, deadline time.Time) (int, error) {
	w.mu.Lock()
	n := copy(p[:2], w.unread) // as adapters do
	w.unread = w.unread[n:]
	w.mu.Unlock()
	if n == 0 {
		time.Sleep(time.Until(deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return n, nil
}

// against runs a test on a board behind a wire that says these answers.
func against(t *testing.T, s Spec, say func(frame []byte) []byte, test func(b *Board)) {
	synctest.Test(t, func(t *testing.T) {
		w := &teller{say: say}
		p := NewPort(func() (Wire, error) { return w, nil }, PortOptions{})
		s.Name = "b1"
		b, err := p.Add(s)
		if err != nil {
			t.Fatal(err)
		}
		defer runPort(t, p)()
		test(b)
	})
}

// FuzzDenkoviAnswer: whatever comes instead of the states, it is known only
// what two bytes that came twice say.
func FuzzDenkoviAnswer(f *testing.F) {
	f.Add([]byte("\x80\x01"))
	f.Add([]byte("//"))
	f.Add([]byte("ask//"))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if on := denkoviStates(answer); len(on) != 8*len(answer) {
			t.Errorf("% X: %d relays", answer, len(on))
		}
		answer = answer[:min(len(answer), 200)]
		against(t, denkovis()[0], func([]byte) []byte { return bytes.Clone(answer) }, func(b *Board) {
			active, known, proof, err := b.channels[0].Read()
			if known != (len(answer) == 2) || known && (active != (answer[0]>>7 == 1) || proof != Readback) || (err == nil) != known {
				t.Errorf("% X: got %t %t %s %v", answer, active, known, proof, err)
			}
		})
	})
}
