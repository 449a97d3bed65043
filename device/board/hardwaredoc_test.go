package board

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"longarm/device"
)

var update = flag.Bool("update", false, "write the tables of docs/hardware.md anew")

const hardwareDoc = "../../docs/hardware.md"

// The marks between which the tables stand.
const (
	docBegins = "<!-- go test ./device/board -run TestHardwareDocIsCurrent -update: begin -->\n"
	docEnds   = "<!-- go test ./device/board -run TestHardwareDocIsCurrent -update: end -->\n"
)

// TestHardwareDocIsCurrent: `go test ./device/board -run TestHardwareDocIsCurrent -update`
// mends it. A cell stands in the table because TestMatrix has it.
func TestHardwareDocIsCurrent(t *testing.T) {
	text, err := os.ReadFile(hardwareDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), docBegins)
	got, after, ok2 := strings.Cut(rest, docEnds)
	if !ok || !ok2 {
		t.Fatalf("docs/hardware.md has no marks for the tables: %q and %q", docBegins, docEnds)
	}
	switch want := tables(t); {
	case got == want:
	case *update:
		if err := os.WriteFile(hardwareDoc, []byte(before+docBegins+want+docEnds+after), 0o644); err != nil {
			t.Error(err)
		}
	default:
		t.Error("docs/hardware.md is not what the families say; write it anew with -update")
	}
}

// tables are what the families declare, and what their cells say.
func tables(t *testing.T) string {
	var md markdown
	md.row("driver", "sold as", "channels", "line", "unit", "share a port", "gap", "settles in")
	md.rule(8)
	for _, f := range families {
		md.row("`"+f.Name+"`", f.Boards, sizes(f), line(f), unit(f), yes(f.Bus), gap(f), span(f.Settle))
	}
	md.WriteString("\n")
	names := []string{"driver"}
	for _, c := range cells {
		names = append(names, c.name)
	}
	md.row(names...)
	md.rule(len(names))
	for _, f := range families {
		row := []string{"`" + f.Name + "`"}
		for _, c := range cells {
			row = append(row, c.word(t, f))
		}
		md.row(row...)
	}
	md.WriteString("\n")
	md.row("column", "what its word means, and what is proved", "by the test")
	md.rule(3)
	for _, c := range cells {
		md.row(c.name, c.means, "`TestMatrix/DRIVER/"+c.name+"`")
	}
	return md.String()
}

type markdown struct{ strings.Builder }

func (m *markdown) row(cells ...string) { fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | ")) }
func (m *markdown) rule(columns int)    { m.WriteString(strings.Repeat("|---", columns) + "|\n") }

// The words of the first table.

func sizes(f Family) string {
	if f.Sizes == nil {
		return "1 to " + strconv.Itoa(MostChannels)
	}
	var list []string
	for _, n := range f.Sizes {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ", ")
}

func line(f Family) string {
	return fmt.Sprintf("%d 8%s1", f.Baud, map[string]string{"none": "N", "even": "E", "odd": "O"}[f.Parity])
}

func unit(f Family) string {
	if f.Unit == 0 {
		return "none"
	}
	return strconv.Itoa(f.Unit)
}

func gap(f Family) string {
	if f.Gap == 0 && f.Bus {
		return "3.5 characters"
	}
	return span(f.Gap)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func span(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// The words of the second table's cells.

// heard is what a board says to a command, before it is asked.
func heard(active bool) func(*testing.T, Family) string {
	return func(t *testing.T, f Family) (word string) {
		lay(t, variants(f)[0], device.ContactNO, func(b *bed) {
			c, err := b.port.boards[0].Channel(b.spec.Channels)
			if err == nil {
				word, err = c.Set(active, "")
			}
			if err != nil {
				t.Error(err)
			}
		})
		return word
	}
}

func reads(_ *testing.T, f Family) string {
	if f.Proof == Readback {
		return "asks"
	}
	return "remembers"
}

func pulses(_ *testing.T, f Family) string { return who(f.Timer.Active) }

func cycles(_ *testing.T, f Family) string {
	if nc, no := f.Timer.Active, f.Timer.Inactive; nc != no {
		return who(nc) + " on NC, " + who(no) + " on NO"
	}
	return who(f.Timer.Active)
}

func who(board bool) string {
	if board {
		return "board"
	}
	return "agent"
}

func proves(_ *testing.T, f Family) string {
	if f.Map {
		return f.Proof + ", acked without `read`"
	}
	return f.Proof
}

func times(_ *testing.T, f Family) string {
	if t := f.Timer; t.Active || t.Inactive {
		return span(t.Step) + " to " + span(t.Longest)
	}
	return "no"
}

func reopens(_ *testing.T, f Family) string {
	return cmp.Or(map[bool]string{true: "yes"}[f.Reopen], "after a power cycle")
}
