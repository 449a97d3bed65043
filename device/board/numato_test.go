package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device/board/boardsim"
)

func TestNumatoFrames(t *testing.T) {
	for _, test := range []struct {
		channels, channel int
		name, ask, states string
	}{
		{1, 1, "0", "relay read 0\r", "on"},
		{8, 8, "7", "relay readall\r", "80"},
		{16, 11, "A", "relay readall\r", "0400"},
		{32, 32, "V", "relay readall\r", "80000000"},
	} {
		bench(t, []Spec{{Driver: "numato", Channels: test.channels}}, func(r *rig) {
			c := r.channel(0, test.channel)
			proof, err := c.Set(true, "")
			wantProof(t, "set", proof, err, Acked)
			proof, err = c.Prove(true)
			wantProof(t, "prove", proof, err, Readback)
			_, _ = c.Set(false, "")
			var want []string
			for _, s := range []string{"\r", "relay on " + test.name + "\r", test.ask, "relay off " + test.name + "\r"} {
				want = append(want, fmt.Sprintf("% X", s))
			}
			wantFrames(t, r, want...)
		})
	}
}

func TestNumatoAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		got, answer   string
		echoed, whole bool
	}{
		"read":              {"relay readall\n\r0000\n\r>", "0000", true, true},
		"set":               {"relay readall\n\r>", "", true, true},
		"prompt before":     {">relay readall\r\n\r0f\n\r>", "0f", true, true},
		"no echo":           {"\n\r0000\n\r>", "0000", false, true},
		"only a prompt":     {">", "", false, true},
		"cut":               {"relay readall\n\r00", "00", true, false},
		"nothing":           {"", "", false, false},
		"echo cut":          {"relay rea", "relay rea", false, false},
		"garbled echo":      {"relay rexdall\n\r00\n\r>", "relay rexdall\n\r00", false, true},
		"a word of refusal": {"relay readall\n\rInvalid command\n\r>", "Invalid command", true, true},
	} {
		answer, echoed, whole := numatoAnswer([]byte(test.got), "relay readall")
		if answer != test.answer || echoed != test.echoed || whole != test.whole {
			t.Errorf("%s: got %q %t %t", name, answer, echoed, whole)
		}
	}
}

func TestNumatoStates(t *testing.T) {
	for _, test := range []struct {
		answer   string
		channels int
		want     []int // channels that are on; nil: not an answer
	}{
		{"1", 2, []int{1}}, {"a", 4, []int{2, 4}}, {"80", 8, []int{8}}, {"8001", 16, []int{1, 16}}, {"80000000", 32, []int{32}},
		{"A", 4, []int{2, 4}}, {"0", 4, []int{}}, {"00", 4, nil}, {"", 4, nil}, {"x", 4, nil}, {"0x", 8, nil}, {"0000", 8, nil},
	} {
		on, ok := numatoStates(test.answer, test.channels)
		got := []int{}
		for i, a := range on {
			if a {
				got = append(got, i+1)
			}
		}
		if ok != (test.want != nil) || ok && !slices.Equal(got, test.want) {
			t.Errorf("%q of %d: got %v %t, want %v", test.answer, test.channels, got, ok, test.want)
		}
	}
}

func TestNumatoWithoutEcho(t *testing.T) {
	bench(t, []Spec{{Driver: "numato", Channels: 4}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.NoEcho = true })
		c := r.channel(0, 4)
		proof, err := c.Set(true, "")
		wantProof(t, "set", proof, err, Sent)
		proof, err = c.Prove(true)
		wantProof(t, "prove", proof, err, Readback)
		start := time.Now()
		_, _ = c.Set(false, "")
		if d := time.Since(start); d >= numatoLimit {
			t.Errorf("a second set took %s: the board is waited for though it sends nothing back", d)
		}
	})
}

func TestNumatoInNoise(t *testing.T) {
	bench(t, []Spec{{Driver: "numato", Channels: 4}}, func(r *rig) {
		c := r.channel(0, 4)
		_, _ = c.Set(false, "")
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 2 }) // the echo and the answer
		proof, err := c.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.BadSum = 1 }) // the echo
		proof, err = c.Set(false, "")
		wantProof(t, "set with one wrong letter", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 2 * mostTries })
		_, err = c.Set(true, "")
		wantFault(t, "noise alone", err, true)
	})
}

func TestNumatoRefuses(t *testing.T) {
	bench(t, []Spec{{Driver: "numato", Channels: 8}}, func(r *rig) {
		small, err := boardsim.New("numato", 4, 0, boardsim.Quirks{})
		if err != nil {
			t.Fatal(err)
		}
		r.cable = boardsim.NewCable(small)
		r.port.drop(errVanished)
		time.Sleep(time.Second)
		_, err = r.channel(0, 8).Set(true, "")
		wantFault(t, "no such channel", err, false)
		if err == nil || !strings.Contains(err.Error(), `the board refuses: "Invalid parameter"`) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzNumatoAnswer(f *testing.F) {
	f.Add([]byte("relay readall\n\r0000\n\r>"), 16)
	f.Add([]byte(">\n\r>"), 1)
	f.Fuzz(func(t *testing.T, got []byte, channels int) {
		if channels < 1 || channels > MostChannels {
			return
		}
		answer, _, whole := numatoAnswer(got, "relay readall")
		if whole != strings.HasSuffix(string(got), ">") {
			t.Errorf("%q: whole %t", got, whole)
		}
		if on, ok := numatoStates(answer, channels); ok != (len(on) == channels) {
			t.Errorf("%q: %v %t", answer, on, ok)
		}
	})
}
