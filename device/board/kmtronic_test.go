package board

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

func kmtronics(channels int) []Spec { return []Spec{{Driver: "kmtronic", Channels: channels}} }

func TestKMTronicFrames(t *testing.T) {
	for _, test := range []struct {
		channels, channel int
		greet, ask        []string
		on, off           string
	}{
		{1, 1, []string{"03 03", "FF 01 03"}, []string{"FF 01 03"}, "FF 01 01", "FF 01 00"},
		{2, 2, []string{"03 03", "FF 01 03"}, []string{"FF 01 03", "FF 02 03"}, "FF 02 01", "FF 02 00"},
		{4, 4, []string{"03 03", "FF 09 00"}, []string{"FF 09 00"}, "FF 04 01", "FF 04 00"},
		{8, 8, []string{"03 03", "FF 09 00"}, []string{"FF 09 00"}, "FF 08 01", "FF 08 00"},
	} {
		bench(t, kmtronics(test.channels), func(r *rig) {
			c := r.channel(0, test.channel)
			if len(r.sent()) != 0 {
				t.Error("something was sent on opening")
			}
			proof, err := c.Set(true, "")
			wantProof(t, "on", proof, err, Sent)
			wantFrames(t, r, append(test.greet, test.on)...)
			proof, err = c.Prove(true)
			wantProof(t, "prove on", proof, err, Readback)
			wantFrames(t, r, test.ask...)
			_, _ = c.Set(false, "")
			proof, err = c.Prove(false)
			wantProof(t, "prove off", proof, err, Readback)
			wantFrames(t, r, append([]string{test.off}, test.ask...)...)
		})
	}
}

func TestKMTronicStates(t *testing.T) {
	for name, test := range map[string]struct {
		got  string
		want []bool
	}{
		"on":             {"\xFF\x02\x01", []bool{true}},
		"off":            {"\xFF\x02\x00", []bool{false}},
		"noise around":   {"\x01\xFF\xFF\x02\x01\x00", []bool{true}},
		"ours before it": {"\xFF\x02\x03\xFF\x02\x00", []bool{false}},
		"only ours":      {"\xFF\x02\x03", nil},
		"the last":       {"\xFF\x02\x01\xFF\x02\x00\xFF\x01\x01", []bool{false}},
		"another":        {"\xFF\x01\x01", nil},
		"cut":            {"\xFF\x02", nil},
		"a larger board": {"\x01\x00\x01\x00", nil},
		"nothing":        {"", nil},
	} {
		if got := kmtronicState([]byte(test.got), 2); !slices.Equal(got, test.want) {
			t.Errorf("one, %s: got %v, want %v", name, got, test.want)
		}
	}
	for name, test := range map[string]struct {
		got  string
		want []bool
	}{
		"four":        {"\x01\x00\x00\x01", []bool{true, false, false, true}},
		"too few":     {"\x01\x00\x00", nil},
		"too many":    {"\x01\x00\x00\x01\x00", nil},
		"no state":    {"\x01\x00\x02\x01", nil},
		"noise first": {"\xFF\x01\x00\x00", nil},
		"nothing":     {"", nil},
	} {
		if got := kmtronicStates([]byte(test.got), 4); !slices.Equal(got, test.want) {
			t.Errorf("all, %s: got %v, want %v", name, got, test.want)
		}
	}
}

// TestKMTronicAfterHalfAFrame: whatever an earlier program left on the line, no
// relay moves by what we ask, and the first command does what it says and
// nothing else (hardware.md 1.2 and 1.12).
func TestKMTronicAfterHalfAFrame(t *testing.T) {
	for _, channels := range []int{1, 2, 4, 8} {
		for _, left := range []string{"", "\xFF", "\xFF\x01", "\xFF\x02", "\xFF\x03", "\xFF\x09", "\xFF\xFF", "\x01", "\x03", "AT\r"} {
			for _, active := range []bool{true, false} {
				bench(t, kmtronics(channels), func(r *rig) {
					last := channels
					r.sims[0].Move(last, !active)
					moves := watch(r)
					r.leave(left)
					proof, err := r.channel(0, last).Set(active, "")
					wantProof(t, "set", proof, err, Sent)
					wantOnlyQuestions(t, left, r.sent())
					if got, want := moves(), fmt.Sprint(last, active, " "); got != want {
						t.Errorf("%d channels after % X: moved %q, want %q", channels, left, got, want)
					}
					proof, err = r.channel(0, last).Prove(active)
					wantProof(t, "prove", proof, err, Readback)
				})
			}
		}
	}
}

// wantOnlyQuestions holds what a board of any size makes of what was left and
// sent: before the command there are frames with 03, and the question FF 09 00.
func wantOnlyQuestions(t *testing.T, left string, sent []string) {
	t.Helper()
	line := []byte(left)
	for _, f := range sent[:len(sent)-1] {
		line = append(line, unhex(t, f)...)
	}
	for {
		start := bytes.IndexByte(line, 0xFF)
		if start < 0 || len(line) < start+3 {
			break
		}
		if frame := line[start : start+3]; frame[2] != 0x03 && (frame[1] != 0x09 || frame[2] != 0x00) {
			t.Errorf("after % X: sent %q, which a board may take for % X", left, sent, frame)
		}
		line = line[start+3:]
	}
	if bytes.Contains(line, []byte{0xFF}) {
		t.Errorf("after % X: sent %q, and half a frame is left", left, sent)
	}
}

// TestKMTronicHalfAFrameBetween: a stray FF while we speak costs one command,
// which is told again.
func TestKMTronicHalfAFrameBetween(t *testing.T) {
	for _, channels := range []int{2, 8} {
		for _, left := range []string{"\xFF", "\xFF\x02"} {
			bench(t, kmtronics(channels), func(r *rig) {
				one := r.channel(0, 1)
				_, _ = one.Set(false, "")
				moves := watch(r)
				time.Sleep(kmtronic.Gap)
				r.leave(left)
				_, _ = one.Set(true, "")
				proof, err := one.Prove(true)
				wantProof(t, "prove", proof, err, Readback)
				if got := moves(); got != "1 true " {
					t.Errorf("%d channels, % X: moved %q", channels, left, got)
				}
			})
		}
	}
}

// leave sends as another program that ends.
func (r *rig) leave(bytes string) {
	r.t.Helper()
	end, err := r.cable.Open()
	if err == nil {
		err = end.Write([]byte(bytes))
	}
	if err == nil {
		err = end.Close()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// watch gives what moves on the first board from now on.
func watch(r *rig) (moves func() string) {
	var mu sync.Mutex
	var all strings.Builder
	r.sims[0].Watch(func(channel int, active bool) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(&all, channel, active, " ")
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// TestKMTronicUnframed: what is in front of an answer is dropped before the
// question, and an answer that is too long is none.
func TestKMTronicUnframed(t *testing.T) {
	bench(t, kmtronics(4), func(r *rig) {
		one := r.channel(0, 1)
		_, _ = one.Set(true, "")
		r.sent()
		r.cable.Say("\x00\x01")
		proof, err := one.Prove(true)
		wantProof(t, "after an old half answer", proof, err, Readback)
		wantFrames(t, r, "FF 09 00")
		// An old answer, or the end of one, comes behind the question, and its
		// own a little later.
		for _, old := range []string{"\x00\x01", "\x00\x01\x00\x00"} {
			r.quirk(0, func(q *boardsim.Quirks) { q.Delay = 35 * time.Millisecond })
			time.Sleep(lookEvery)
			time.AfterFunc(10*time.Millisecond, func() { r.cable.Say(old) })
			active, known, proof, err := one.Read()
			wantProof(t, "behind an old answer", proof, err, Readback)
			if !active || !known {
				t.Errorf("behind % X: got %t %t", old, active, known)
			}
			wantFrames(t, r, "FF 09 00", "FF 09 00")
		}
	})
}

func TestKMTronicQuirks(t *testing.T) {
	for _, channels := range []int{2, 8} {
		for name, quirk := range map[string]func(q *boardsim.Quirks){
			"lost":       func(q *boardsim.Quirks) { q.Lost = 1 },
			"noise":      func(q *boardsim.Quirks) { q.Noise = 2 },
			"wrong byte": func(q *boardsim.Quirks) { q.BadSum = 2 },
			"stale":      func(q *boardsim.Quirks) { q.Stale = true },
			"slow":       func(q *boardsim.Quirks) { q.Delay = 150 * time.Millisecond },
			"halting":    func(q *boardsim.Quirks) { q.Pauses = 15 * time.Millisecond },
		} {
			bench(t, kmtronics(channels), func(r *rig) {
				two := r.channel(0, 2)
				_, _ = two.Set(false, "")
				_, _, _, _ = two.Read()
				r.quirk(0, quirk)
				proof, err := two.Set(true, "")
				wantProof(t, name, proof, err, Sent)
				proof, err = two.Prove(true)
				wantProof(t, name+", proved", proof, err, Readback)
				if !r.sims[0].Active(2) {
					t.Errorf("%s: proved, and it is not so", name)
				}
			})
		}
	}
}

func TestKMTronicSilence(t *testing.T) {
	for name, test := range map[string]struct {
		channels int
		board    func(r *rig)
		want     string
	}{
		"dead":                      {4, func(r *rig) { r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true }) }, "no answer"},
		"garbage":                   {8, func(r *rig) { r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 100 }) }, "an answer that makes no sense: "},
		"garbage of a small one":    {2, func(r *rig) { r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 100 }) }, "an answer that makes no sense: "},
		"a small one for a large":   {4, func(r *rig) { r.exchange("kmtronic", 2) }, "no answer"},
		"a large one for a small":   {2, func(r *rig) { r.exchange("kmtronic", 8) }, "no answer"},
		"eight for four":            {4, func(r *rig) { r.exchange("kmtronic", 8) }, "an answer that makes no sense: 00 00 00 00 00 00 00 00"},
		"four for eight":            {8, func(r *rig) { r.exchange("kmtronic", 4) }, "an answer that makes no sense: 00 00 00 00"},
		"another family altogether": {8, func(r *rig) { r.exchange("lcus", 8) }, "an answer that makes no sense: 43 48 31"},
	} {
		bench(t, kmtronics(test.channels), func(r *rig) {
			test.board(r)
			moves := watch(r)
			c := r.channel(0, 1)
			_, err := c.Set(true, "")
			wantFault(t, name, err, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
			if _, known, err := c.Active(); err == nil || known {
				t.Errorf("%s: not shown as gone", name)
			}
			for _, f := range r.sent() {
				if f != "03 03" && f != "FF 01 03" && f != "FF 09 00" || f == "FF 09 00" && test.channels <= 2 {
					t.Errorf("%s: sent %s", name, f)
				}
			}
			if got := moves(); got != "" {
				t.Errorf("%s: moved %s", name, got)
			}
			r.quirk(0, func(q *boardsim.Quirks) { *q = boardsim.Quirks{} })
			r.exchange("kmtronic", test.channels)
			time.Sleep(lastPause)
			proof, err := c.Set(true, "")
			wantProof(t, name+", exchanged", proof, err, Sent)
		})
	}
}

// TestKMTronicGreetsAgain: a question that goes wrong is said again, after what
// ends half a frame.
func TestKMTronicGreetsAgain(t *testing.T) {
	bench(t, kmtronics(4), func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1 })
		proof, err := r.channel(0, 1).Set(true, "")
		wantProof(t, "set", proof, err, Sent)
		wantFrames(t, r, "03 03", "FF 09 00", "03 03", "FF 09 00", "FF 01 01")
	})
}

// TestOtherSizesReportWhatIsSo is the property test for the sizes, and the
// quirks, that it does not have.
func TestOtherSizesReportWhatIsSo(t *testing.T) {
	for _, test := range []struct {
		family   Family
		channels int
		quirk    func(q *boardsim.Quirks)
	}{
		{kmtronic, 1, nil}, {kmtronic, 2, nil}, {kmtronic, 8, nil},
		{devantech, 2, nil}, {devantech, 8, func(q *boardsim.Quirks) { q.Version, q.Latching = 0x0F02, true }},
		{lcusFeedback, 2, func(q *boardsim.Quirks) { q.Stale = true }},
	} {
		f := test.family
		f.Sizes = []int{test.channels}
		for seed := range uint64(8) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, []Family{f}, seed)
				if test.quirk != nil {
					w.sims[0].Quirk(test.quirk)
				}
				for range 60 {
					w.step()
					w.look()
				}
				w.stop()
				if t.Failed() {
					t.Fatalf("%s of %d, seed %d:\n%s", f.Name, test.channels, seed, strings.Join(w.steps, "\n"))
				}
			})
		}
	}
}

func FuzzKMTronic(f *testing.F) {
	f.Add([]byte("\xFF\x01\x01"), 1)
	f.Add([]byte("\x01\x00\x00\x01"), 4)
	f.Add([]byte("\xFF\x02\x03\xFF\x02\x00"), 2)
	f.Fuzz(func(t *testing.T, got []byte, n int) {
		if n < 1 || n > 8 {
			return
		}
		if on := kmtronicState(got, n); len(on) > 1 || len(on) == 1 && !strings.Contains(string(got), "\xFF"+string(rune(n))) {
			t.Errorf("% X: one is %v", got, on)
		}
		on := kmtronicStates(got, n)
		if on == nil {
			return
		}
		for i, b := range got {
			if len(got) != n || len(on) != n || b > 1 || on[i] != (b == 1) {
				t.Fatalf("% X: all are %v", got, on)
			}
		}
	})
}
