package board

import (
	"bytes"
	"testing"
)

func TestConradAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		frame, got string
		said       conradSaid
		data       byte
	}{
		"K6, K5 and K1 are on":  {conradAsk1, "FD 01 31 CD", conradTook, 0x31},
		"set":                   {"03 01 01 03", "FC 01 00 FD", conradTook, 0},
		"the next behind it":    {conradAsk1, "FD 01 31 CD 02", conradTook, 0x31},
		"a late one before it":  {conradAsk1, "FC 01 00 FD FD 01 31 CD", conradTook, 0x31},
		"another card's":        {conradAsk1, "FD 02 31 CE", conradNothing, 0},
		"wrong sum":             {conradAsk1, "FD 01 31 CC", conradNothing, 0},
		"right one behind that": {conradAsk1, "FD 01 31 CC FD 01 31 CD", conradNothing, 0},
		"cut":                   {conradAsk1, "FD 01 31", conradNothing, 0},
		"nothing":               {conradAsk1, "", conradNothing, 0},
		"came back":             {conradAsk1, conradAsk1, conradNoCard, 0},
		"error":                 {conradAsk2, "FF 02 00 FD", conradMissed, 0},
		"error before":          {conradAsk2, "FF 01 00 FE", conradMissed, 0},
		"error behind":          {conradAsk1, "FF 02 00 FD", conradUnsure, 0},
	} {
		said, data := conradAnswer(unhex(t, test.got), unhex(t, test.frame))
		if said != test.said || data != test.data {
			t.Errorf("%s: got %d %X, want %d %X", name, said, data, test.said, test.data)
		}
	}
	for got, want := range map[string]int{ // -1: not whole
		"FE 01 0A F5 01 02 00 03":             1,
		"FE 01 0A F5 FE 02 0A F6 01 03 00 02": 2,
		"01 01 00 00":                         0,
		"FE 01 0A F5 FE 02 0A F6":             -1, "FE 01 0A F5 01 03 00 02": -1, "FE 02 0A F6 01 03 00 02": -1,
		"FE 01 0A F4 01 02 00 03": -1, "FF 01 00 FE": -1, "": -1,
	} {
		if cards, whole := conradChain(unhex(t, got)); whole != (want >= 0) || whole && cards != want {
			t.Errorf("%s: got %d %t, want %d", got, cards, whole, want)
		}
	}
}

// TestConradTurnedFrames: why the end of a frame must be known. Bytes that make
// the card find it again make no frame that moves something with what it may
// have of the last one.
func TestConradTurnedFrames(t *testing.T) {
	if turned := []byte{3, 2, 1, 0}; !conradSound(turned) || turned[0] != conradSet {
		t.Error("the question to card 1, turned by a byte, is no command to card 2")
	}
	moves := func(f []byte) bool { return conradSound(f) && (f[0] == 3 || f[0] >= 6 && f[0] <= 8) }
	for _, command := range []byte{conradSetup, conradGet, conradSet} {
		for card := byte(1); card <= 8; card++ {
			for data := range 256 {
				last := conradFrame(command, card, byte(data))
				filler := conradFiller(last)
				for kept := range 4 {
					f := append(append([]byte{}, last[4-kept:]...), filler[:]...)
					if moves(f[:4]) {
						t.Fatalf("% X, of which a card has %d bytes, then % X: it obeys % X", last, kept, filler, f[:4])
					}
				}
				for lacks := range 4 {
					f := append(append(append([]byte{}, last[:lacks]...), last[lacks+1:]...), filler[0])
					if moves(f) {
						t.Fatalf("% X, of which byte %d was lost: it obeys % X", last, lacks, f)
					}
				}
			}
		}
	}
}

func FuzzConradAnswer(f *testing.F) {
	f.Add([]byte{0xFD, 1, 0x31, 0xCD}, byte(2), byte(1), byte(0))
	f.Add([]byte{0xFE, 1, 0, 0xFF, 1, 2, 0, 3}, byte(1), byte(1), byte(0))
	f.Add([]byte{0xFD, 2, 0, 0xFF}, byte(2), byte(1), byte(0)) // another card's
	f.Add([]byte{0xFF, 1, 0, 0xFE, 0xFC, 2}, byte(3), byte(2), byte(9))
	f.Fuzz(func(t *testing.T, got []byte, command, card, data byte) {
		frame := conradFrame(command, card, data)
		said, _ := conradAnswer(got, frame)
		if said != conradNothing {
			if more, _ := conradAnswer(append(bytes.Clone(got), 0xFF, 1, 0, 0xFE), frame); more != said {
				t.Errorf("% X: %d, and with more behind it %d", got, said, more)
			}
		}
		if said == conradTook && !bytes.Contains(got, []byte{^command, card}) {
			t.Errorf("% X: answered, but by whom", got)
		}
		if cards, whole := conradChain(got); cards > len(got)/4 || whole && len(got) < 4*(cards+1) {
			t.Errorf("% X: %d cards", got, cards)
		}
		if conradWrong(got) && !bytes.Contains(got, []byte{conradError}) {
			t.Errorf("% X: an error", got)
		}
	})
}
