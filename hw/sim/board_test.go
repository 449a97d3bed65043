package sim

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"
)

func lcus(t testing.TB, channels int) (*Board, *[]string) {
	t.Helper()
	b, err := NewBoard("lcus", channels)
	if err != nil {
		t.Fatal(err)
	}
	var moves []string
	b.Watch(func(channel int, active bool) { moves = append(moves, fmt.Sprint(channel, active)) })
	return b, &moves
}

func TestLCUS(t *testing.T) {
	for _, c := range []struct {
		name, in, out string
		moves         []string
	}{
		{"on", "\xA0\x01\x01\xA2", "", []string{"1 true"}},
		{"on and off", "\xA0\x02\x01\xA3\xA0\x02\x00\xA2", "", []string{"2 true", "2 false"}},
		{"on twice", "\xA0\x02\x01\xA3\xA0\x02\x01\xA3", "", []string{"2 true"}},
		{"status", "\xFF", "CH1: OFF\r\nCH2: OFF\r\n", nil},
		{"status after on", "\xA0\x01\x01\xA2\xFF", "CH1: ON \r\nCH2: OFF\r\n", []string{"1 true"}},
		{"wrong sum", "\xA0\x01\x01\xA3", "", nil},
		{"no such channel", "\xA0\x03\x01\xA4", "", nil},
		{"channel 0", "\xA0\x00\x01\xA1", "", nil},
		{"another op", "\xA0\x01\x01\xA2\xA0\x01\x02\xA3", "", []string{"1 true"}},
		{"noise before", "relay on 0\r\xA0\x01\x01\xA2", "", []string{"1 true"}},
		{"broken frame before", "\xA0\x01\xA0\x01\x01\xA2", "", []string{"1 true"}},
		{"half a frame", "\xA0\x01", "", nil},
	} {
		for _, step := range []int{len(c.in), 1} { // in one piece, and byte by byte
			b, moves := lcus(t, 2)
			for in := []byte(c.in); len(in) > 0; in = in[step:] {
				if err := b.Write(in[:step]); err != nil {
					t.Fatal(err)
				}
			}
			if out := drain(b); out != c.out || !slices.Equal(*moves, c.moves) {
				t.Errorf("%s by %d: answer %q, moves %v; want %q, %v", c.name, step, out, *moves, c.out, c.moves)
			}
		}
	}
}

func drain(b *Board) (out string) {
	p := make([]byte, 3)
	for {
		n, err := b.ReadUntil(p, time.Time{})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return out
		}
		out += string(p[:n])
	}
}

func TestBoardFlush(t *testing.T) {
	b, _ := lcus(t, 1)
	_ = b.Write([]byte{0xFF})
	_ = b.Flush()
	if out := drain(b); out != "" {
		t.Errorf("after Flush: %q", out)
	}
}

func TestServeBoard(t *testing.T) {
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- ServeBoard(far, 1) }()
	if _, err := near.Write([]byte{0xA0, 1, 1, 0xA2, 0xFF}); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(near, got); err != nil || string(got) != "CH1: ON \r\n" {
		t.Errorf("status = %q, %v", got, err)
	}
	_ = near.Close()
	if err := <-done; err != nil {
		t.Errorf("ServeBoard = %v, want nil at the end", err)
	}
}

func TestBadBoards(t *testing.T) {
	for _, c := range []struct {
		driver   string
		channels int
	}{{"numato", 4}, {"lcus", 0}, {"lcus", 9}, {"", 1}} {
		if _, err := NewBoard(c.driver, c.channels); err == nil {
			t.Errorf("NewBoard(%q, %d): no error", c.driver, c.channels)
		}
	}
	if err := ServeBoard(nil, 0); err == nil {
		t.Error("ServeBoard of 0 channels: no error")
	}
}

func FuzzBoard(f *testing.F) {
	f.Add([]byte("\xA0\x01\x01\xA2\xFF"))
	f.Add([]byte("\xA0\xA0\xA0\xA0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		b, _ := lcus(t, 4)
		_ = b.Write(in)
		if len(b.in) > 3 {
			t.Errorf("%d bytes are left, a frame has 4", len(b.in))
		}
	})
}
