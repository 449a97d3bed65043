package boardsim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// told is what one thing that is sent to a board makes it say and do.
type told struct {
	name, in, out string   // bytes in hex, or text after a "
	moves         []string // "1 true"
}

func raw(t testing.TB, s string) []byte {
	t.Helper()
	if text, ok := strings.CutPrefix(s, `"`); ok {
		return []byte(text)
	}
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tell sends each to a fresh board, in one piece and byte by byte, and holds
// what it says and does against what it should.
func tell(t *testing.T, driver string, channels, unit int, q Quirks, all []told) {
	t.Helper()
	for _, c := range all {
		in, want := raw(t, c.in), raw(t, c.out)
		for _, step := range []int{len(in), 1} {
			b, err := New(driver, channels, unit, q)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex // a board's own timer may move a relay later
			var moves []string
			b.Watch(func(channel int, active bool) {
				mu.Lock()
				defer mu.Unlock()
				moves = append(moves, fmt.Sprint(channel, active))
			})
			end, err := NewCable(b).Open()
			if err != nil {
				t.Fatal(err)
			}
			for rest := in; len(rest) > 0; rest = rest[step:] {
				if err := end.Write(rest[:step]); err != nil {
					t.Fatal(err)
				}
			}
			got := drain(end)
			mu.Lock()
			did := slices.Clone(moves)
			mu.Unlock()
			if !bytes.Equal(got, want) || !slices.Equal(did, c.moves) {
				t.Errorf("%s %s by %d: said % X %q, did %v; want % X %q, %v", driver, c.name, step, got, got, did, want, want, c.moves)
			}
		}
	}
}

func drain(e *End) (got []byte) {
	p := make([]byte, 3)
	for {
		n, err := e.ReadUntil(p, time.Now())
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		got = append(got, p[:n]...)
	}
}

func TestLCUS(t *testing.T) {
	tell(t, "lcus", 2, 0, Quirks{}, []told{
		{"on", "A0 01 01 A2", "", []string{"1 true"}},
		{"on and off", "A0 02 01 A3 A0 02 00 A2", "", []string{"2 true", "2 false"}},
		{"on twice", "A0 02 01 A3 A0 02 01 A3", "", []string{"2 true"}},
		{"status", "FF", "\"CH1: OFF\r\nCH2: OFF\r\n", nil},
		{"status after on", "A0 01 01 A2 FF", "\"CH1: ON \r\nCH2: OFF\r\n", []string{"1 true"}},
		{"wrong sum", "A0 01 01 A3", "", nil},
		{"no such channel", "A0 03 01 A4", "", nil},
		{"channel 0", "A0 00 01 A1", "", nil},
		{"another op", "A0 01 01 A2 A0 01 02 A3", "", []string{"1 true"}},
		{"noise before", "72 65 6C 0D A0 01 01 A2", "", []string{"1 true"}},
		{"broken frame before", "A0 01 A0 01 01 A2", "", []string{"1 true"}},
		{"half a frame", "A0 01", "", nil},
	})
	tell(t, "lcus", 1, 0, Quirks{Silent: true}, []told{{"a clone that never answers", "A0 01 01 A2 FF", "", []string{"1 true"}}})
	tell(t, "lcus", 1, 0, Quirks{Stale: true}, []told{{"stale", "A0 01 01 A2 FF FF", "\"CH1: OFF\r\nCH1: ON \r\n", []string{"1 true"}}})
}

func TestNumato(t *testing.T) {
	tell(t, "numato", 16, 0, Quirks{}, []told{
		{"line end", "\"\r", "\"\n\r>", nil},
		{"on", "\"relay on A\r", "\"relay on A\n\r>", []string{"11 true"}},
		{"no hex", "\"relay on a\r", "\"relay on a\n\rInvalid parameter\n\r>", nil},
	})
	tell(t, "numato", 16, 0, Quirks{NoEcho: true}, []told{
		{"read all", "\"relay on F\rrelay on 0\rrelay readall\r", "\"\n\r>\n\r>\n\r8001\n\r>", []string{"16 true", "1 true"}},
		{"read", "\"relay on 1\rrelay read 1\rrelay read 2\r", "\"\n\r>\n\ron\n\r>\n\roff\n\r>", []string{"2 true"}},
		{"nonsense", "\"hello\rA0\r\r", "\"\n\r>\n\r>\n\r>", nil},
	})
}

func TestWaveshare(t *testing.T) {
	const on = "01 05 00 00 FF 00 8C 3A"
	tell(t, "waveshare", 8, 1, Quirks{}, []told{
		{"on", on, on, []string{"1 true"}},
		{"all on, read", "01 05 00 FF FF 00 BC 0A 01 05 00 FF 00 00 FD FA 01 01 00 00 00 08 3D CC",
			"01 05 00 FF FF 00 BC 0A 01 05 00 FF 00 00 FD FA 01 01 01 00 51 88", []string{
				"1 true", "2 true", "3 true", "4 true", "5 true", "6 true", "7 true", "8 true",
				"1 false", "2 false", "3 false", "4 false", "5 false", "6 false", "7 false", "8 false",
			}},
		{"write 8", "01 0F 00 00 00 08 01 FF BE D5", "01 0F 00 00 00 08 54 0D", []string{"1 true", "2 true", "3 true", "4 true", "5 true", "6 true", "7 true", "8 true"}},
		{"flash", "01 05 02 00 00 07 8D B0", "01 05 02 00 00 07 8D B0", []string{"1 true"}},
		{"another unit, noise", "02 05 00 00 FF 00 8C 09 00" + on, on, []string{"1 true"}},
		{"wrong sum", "01 05 00 00 FF 00 8C 3B", "", nil},
		{"half a frame", "01 05 00 00 FF", "", nil},
	})
	tell(t, "waveshare", 8, 1, Quirks{Dead: true}, []told{{"dead", on, "", nil}})
	tell(t, "waveshare", 8, 1, Quirks{BadSum: 1}, []told{{"bad sum", on, "01 05 00 00 FF 00 8C 7A", []string{"1 true"}}})
	tell(t, "waveshare", 8, 1, Quirks{Lost: 1}, []told{{"lost", on, "", nil}})
	tell(t, "waveshare", 1, 1, Quirks{}, []told{{"no such coil", "01 05 00 01 FF 00 DD FA", "01 85 02 C3 51", nil}})
}

// TestServe: several boards behind one line, and its end.
func TestServe(t *testing.T) {
	one, _ := New("waveshare", 8, 1, Quirks{})
	two, _ := New("waveshare", 8, 2, Quirks{Loop: true})
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- Serve(far, one, two) }()
	if _, err := near.Write(raw(t, "02 05 00 00 FF 00 8C 09")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 16)
	if _, err := io.ReadFull(near, got); err != nil || fmt.Sprintf("%X", got) != "02050000FF008C0902050000FF008C09" {
		t.Errorf("got %X, %v; want it looped, then answered", got, err)
	}
	if one.Active(1) || !two.Active(1) {
		t.Error("the wrong board moved")
	}
	_ = near.Close()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v, want nil at the end", err)
	}
}

func TestTimersAndPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("waveshare", 8, 1, Quirks{PowerUp: []bool{false, true}, TooFast: 10 * time.Millisecond})
		end, _ := NewCable(b).Open()
		write := func(s string) {
			_ = end.Write(raw(t, s))
		}
		if b.Active(1) || !b.Active(2) {
			t.Error("not as after power-up")
		}
		write("01 05 02 00 00 07 8D B0") // on for 700 ms
		write("01 05 00 01 00 00 9C 0A") // too fast
		if !b.Active(1) || !b.Active(2) {
			t.Error("a command that was too fast is obeyed, or one that was not is not")
		}
		time.Sleep(699 * time.Millisecond)
		if !b.Active(1) {
			t.Error("the timer was over before its time")
		}
		time.Sleep(2 * time.Millisecond)
		if b.Active(1) {
			t.Error("the timer is not over")
		}
		write("01 05 02 00 00 07 8D B0")
		b.Move(2, false)
		b.PowerCycle()
		if b.Active(1) || !b.Active(2) {
			t.Error("power-up: not as it should be")
		}
	})
}

func TestCable(t *testing.T) {
	b, _ := New("lcus", 1, 0, Quirks{})
	c := NewCable(b)
	end, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	c.FallOut(4)
	if err := end.Write(raw(t, "A0 01 01 A2")); err != nil || !b.Active(1) {
		t.Errorf("what passes before it falls out: %v, active %t", err, b.Active(1))
	}
	if err := end.Write(raw(t, "A0 01 00 A1")); !errors.Is(err, errPlug) || !b.Active(1) {
		t.Errorf("after that: %v, active %t", err, b.Active(1))
	}
	if _, err := c.Open(); !errors.Is(err, errPlug) {
		t.Errorf("open: %v", err)
	}
	if _, err := end.ReadUntil(make([]byte, 1), time.Now()); !errors.Is(err, errPlug) {
		t.Errorf("read: %v", err)
	}
	c.Plug()
	end, err = c.Open()
	if err != nil {
		t.Fatal(err)
	}
	_ = end.Write([]byte{0xFF})
	if err := end.Flush(); err != nil || len(drain(end)) > 0 {
		t.Errorf("flush: %v", err)
	}
	_ = end.Close()
	if err := end.Write([]byte{0xFF}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		driver   string
		channels int
	}{{"lcu", 4}, {"", 1}, {"lcus", 0}, {"lcus", 65}} {
		if _, err := New(c.driver, c.channels, 0, Quirks{}); err == nil {
			t.Errorf("New(%q, %d): no error", c.driver, c.channels)
		}
	}
}

// FuzzBoards: no bytes make a board fail or keep more than one frame's.
func FuzzBoards(f *testing.F) {
	f.Add([]byte("\xA0\x01\x01\xA2\xFF"))
	f.Add([]byte("relay on 0\rrelay readall\r"))
	f.Add([]byte("\x01\x05\x00\x00\xFF\x00\x8C\x3A\x01\x0F\x00\x00\x00\x08\x01\xFF\xBE\xD5"))
	f.Add([]byte("\x01\x10\x00\x03\x00\x02\x04\x00\x04\x00\x14\xF2\x74\x01\x06\x00\x01\x06\x0A\x5B\xAD"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for driver := range models {
			b, err := New(driver, 4, 1, Quirks{})
			if err != nil {
				t.Fatal(err)
			}
			end, _ := NewCable(b).Open()
			_ = end.Write(in)
			if n := len(b.in); n > 260 && driver != "numato" {
				t.Errorf("%s keeps %d bytes", driver, n)
			}
		}
	})
}
