package main

import (
	"slices"
	"testing"

	"longarm/device/board"
)

// TestDemoBoardsShowEachProof: one board for each, of a family that is served
// and can prove at least that.
func TestDemoBoardsShowEachProof(t *testing.T) {
	var shown []string
	for _, b := range demoBoards {
		f, err := board.Find(b.driver)
		if err != nil {
			t.Error(err)
		}
		if f.Sizes != nil && !slices.Contains(f.Sizes, b.channels) {
			t.Errorf("%s: there is no %s board of %d", b.name, b.driver, b.channels)
		}
		if contacts[b.output] != "no" || laneColours[b.name] == "" || laneColours[b.output] == "" {
			t.Errorf("%s, %s: the story does not know them", b.name, b.output)
		}
		shown = append(shown, b.proof)
	}
	if want := []string{board.Sent, board.Acked, board.Readback}; !slices.Equal(shown, want) {
		t.Errorf("got %q, want %q", shown, want)
	}
}

func TestProofsAreColoured(t *testing.T) {
	const y, c, g, end = "\x1b[33m", "\x1b[36m", "\x1b[32m", "\x1b[0m"
	for text, want := range map[string]string{
		"sent: not a word":                y + "sent" + end + ": not a word",
		"acked: it took it":               c + "acked" + end + ": it took it",
		"pump on, proof: readback, 5 ms":  "pump on, proof: " + g + "readback" + end + ", 5 ms",
		"answered while the lamp is on":   "answered while the lamp is on",
		"pump on, proof: sensed, sent: 1": "pump on, proof: sensed, sent: 1",
	} {
		if got := painter(true).proof(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := painter(false).proof(text); got != text {
			t.Errorf("%q without colours: got %q", text, got)
		}
	}
}

func TestWireText(t *testing.T) {
	for in, want := range map[string]string{
		"CH1: ON \r\n":     `"CH1: ON \r\n"`,
		"relay on 0\r":     `"relay on 0\r"`,
		"\x01\x05\x00":     "01 05 00",
		"\xFF":             "FF",
		"\xA0\x03\x01\xA4": "A0 03 01 A4",
	} {
		if got := wireText([]byte(in)); got != want {
			t.Errorf("% X: got %s, want %s", in, got, want)
		}
	}
}
