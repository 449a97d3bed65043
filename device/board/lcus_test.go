package board

import (
	"bytes"
	"slices"
	"testing"
)

func TestLCUSFrames(t *testing.T) {
	for _, test := range []struct {
		channel int
		active  bool
		want    []byte
	}{
		{1, true, []byte{0xA0, 1, 1, 0xA2}},
		{1, false, []byte{0xA0, 1, 0, 0xA1}},
		{2, true, []byte{0xA0, 2, 1, 0xA3}},
		{8, true, []byte{0xA0, 8, 1, 0xA9}},
		{8, false, []byte{0xA0, 8, 0, 0xA8}},
	} {
		if got := lcusFrame(test.channel, test.active); !bytes.Equal(got, test.want) {
			t.Errorf("channel %d %t: got % X, want % X", test.channel, test.active, got, test.want)
		}
	}
}

func TestLCUSStates(t *testing.T) {
	for name, test := range map[string]struct {
		reply    string
		channels int
		want     []bool
	}{
		"classic":          {"CH1: ON \r\nCH2: OFF\r\n", 2, []bool{true, false}},
		"other spacing":    {"CH1:OFF \r\nCH2:OFF \r\n", 2, []bool{false, false}},
		"no line ends":     {"CH1:ONCH2:OFF", 2, nil},
		"four":             {"CH1: OFF\r\nCH2: OFF\r\nCH3: OFF\r\nCH4: ON\r\n", 4, []bool{false, false, false, true}},
		"wide spacing":     {"CH1 :  ON\nCH2\t: OFF", 2, []bool{true, false}},
		"noise around":     {"\x00\xffhelloCCH1: ON \r\nCH9: ON\r\nCH2: OFF\r\nCH", 2, []bool{true, false}},
		"the last counts":  {"CH1: OFF\r\nCH1: ON \r\n", 1, []bool{true}},
		"a channel lacks":  {"CH1: ON \r\nCH3: OFF\r\n", 2, nil},
		"cut in a word":    {"CH1: ON \r\nCH2: OF", 2, nil},
		"cut in a number":  {"CH1: ON \r\nCH", 2, nil},
		"another word":     {"CH1: ONE\r\n", 1, nil},
		"binary":           {"\x01\x00", 2, nil},
		"nothing":          {"", 1, nil},
		"more than wanted": {"CH1: ON \r\nCH2: ON \r\n", 1, []bool{true}},
	} {
		got, whole := lcusStates([]byte(test.reply), test.channels)
		if whole != (test.want != nil) || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v %t, want %v", name, got, whole, test.want)
		}
	}
}

func FuzzLCUSStates(f *testing.F) {
	f.Add([]byte("CH1: ON \r\nCH2: OFF\r\n"), 2)
	f.Add([]byte("CH12:ON CHCH1:"), 1)
	f.Fuzz(func(t *testing.T, reply []byte, channels int) {
		if channels < 1 || channels > 8 {
			return
		}
		got, whole := lcusStates(reply, channels)
		if whole != (len(got) == channels) {
			t.Errorf("%q: got %v %t", reply, got, whole)
		}
		// What came after must be able to change the answer, never to unmake it.
		if _, still := lcusStates(append(bytes.Clone(reply), " CH1: ON "...), channels); whole && !still {
			t.Errorf("%q: whole, and not so with more behind it", reply)
		}
	})
}
