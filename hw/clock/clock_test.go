package clock

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestClocksRise(t *testing.T) {
	m, b := Monotonic(), Boot()
	if m <= 0 || b < m {
		t.Fatalf("Monotonic = %v, Boot = %v, want 0 < Monotonic <= Boot", m, b)
	}
	if m2 := Monotonic(); m2 < m {
		t.Errorf("Monotonic fell from %v to %v", m, m2)
	}
	if b2 := Boot(); b2 < b {
		t.Errorf("Boot fell from %v to %v", b, b2)
	}
}

func TestBootID(t *testing.T) {
	raw, err := os.ReadFile(bootIDFile)
	if err != nil {
		t.Skip("needs /proc:", err)
	}
	if got, want := BootID(), strings.TrimSpace(string(raw)); got != want || len(got) != 36 {
		t.Errorf("BootID = %q, want %q (36 characters)", got, want)
	}
}

func TestBelieved(t *testing.T) {
	for _, c := range []struct {
		name   string
		state  int
		status int32
		want   bool
	}{
		{"locked", unix.TIME_OK, unix.STA_PLL, true},
		{"leap second pending", unix.TIME_INS, unix.STA_PLL | unix.STA_INS, true},
		{"never set", unix.TIME_ERROR, unix.STA_UNSYNC, false},
		{"flag only", unix.TIME_OK, unix.STA_UNSYNC, false},
		{"error only", unix.TIME_ERROR, 0, false},
	} {
		if got := believed(c.state, c.status); got != c.want {
			t.Errorf("%s: believed(%d, %#x) = %v, want %v", c.name, c.state, c.status, got, c.want)
		}
	}
}
