package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longarm/agent/config"
	"longarm/device/board"
	"longarm/hw/serial"
)

// TestWireOfEachFamily: a board behind a pty whose config the agent takes, and
// what passes is counted.
func TestWireOfEachFamily(t *testing.T) {
	var text strings.Builder
	fmt.Fprintf(&text, agentConfig, "https://localhost:1", "c", "/k", "/ca", "/s")
	for _, f := range board.Families() {
		w, err := wire(f)
		if err != nil {
			t.Skipf("needs /dev/ptmx: %v", err)
		}
		defer w.close()
		text.WriteString(w.config())
		port, err := serial.Open(w.slave.Name(), serial.Options{Baud: f.Baud, Parity: f.Parity})
		if err != nil {
			t.Fatal(err)
		}
		defer port.Close()
		if err := port.Write([]byte("\xA5\xA5")); err != nil {
			t.Error(err)
		}
		var e exchanged
		untilTrue(t.Context(), 10*time.Second, func() bool { e.add(w.take()); return e.out >= 2 })
		if e.frames != 1 || e.out != 2 || e.first == 0 {
			t.Errorf("%s: got %+v, want one frame of 2 bytes", f.Name, e)
		}
	}
	c, faults := config.Parse("longarm.toml", []byte(text.String()))
	if len(faults) > 0 || len(c.Device.Boards) != len(board.Families()) {
		t.Errorf("got %d boards, faults %v", len(c.Device.Boards), faults)
	}
}

func (e *exchanged) add(more exchanged) {
	e.frames, e.out, e.in = e.frames+more.frames, e.out+more.out, e.in+more.in
	e.first = max(e.first, more.first)
}

func TestWireTable(t *testing.T) {
	ms := func(n ...int) (list []time.Duration) {
		for _, i := range n {
			list = append(list, time.Duration(i)*time.Millisecond)
		}
		return list
	}
	w := &wired{demoBoard: &demoBoard{boardPlan: boardPlan{name: "lcus", channels: 4}}, times: ms(6, 3, 90),
		beside: map[string]time.Duration{"a": 0, "b": time.Millisecond, "c": 0},
		all:    []exchanged{{0, 3, 6, 80}, {0, 9, 99, 240}, {0, 3, 6, 80}}}
	edges := map[string]time.Duration{"call a": 2 * time.Millisecond, "call b": 5 * time.Millisecond, "call c": 9 * time.Millisecond, "call x": 1}
	tab := wireTable{machine: "Measured here."}
	if err := tab.tell(edges, []*wired{w}); err != nil {
		t.Fatal(err)
	}
	want := "Measured here.\n\n| " + strings.Join(wireColumns, " | ") + ` |
|---|---|---|---|---|---|
| a simulated line, its edge | p50 4.000 ms, p90 9.000 ms | 1.00 | – | – | – |
| lcus, 4 channels | p50 6.000 ms, p90 90.000 ms | 1.50 | 3 | 6 | 80 |

- Wires: 3 calls of each board, on and off, in turns with as many of the line.
`
	if got := tab.markdown(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	var out bytes.Buffer
	tab.print(&out)
	if got := out.String(); !strings.Contains(got, "lcus, 4 channels") || !strings.Contains(got, "1.50") || !strings.Contains(got, "- Wires: 3 calls") {
		t.Errorf("got %q", got)
	}
	delete(edges, "call b")
	if err := tab.tell(edges, []*wired{w}); err == nil || err.Error() != "call b made no edge" {
		t.Errorf("got %v, want that b made none", err)
	}
}

// TestTheTablesStandApart: neither -into nor -boards -into touches the other's.
func TestTheTablesStandApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	old := tableBegins + "old\n" + tableEnds + "between\n" + wiresBegin + "old\n" + wiresEnd
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	tab := wireTable{machine: "Measured here."}
	if err := tab.writeInto(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	want := strings.Replace(old, wiresBegin+"old\n", wiresBegin+tab.markdown(), 1)
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if err := os.WriteFile(path, []byte("no marks\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := tab.writeInto(path); err == nil {
		t.Error("got no error for a file without marks")
	}
}
