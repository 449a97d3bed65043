package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// wireTable is how the families of boards are spoken to. It has no bars: each is
// held against the line in the same run.
type wireTable struct {
	machine string
	rows    [][]string
	notes   []string
}

var wireColumns = []string{"output", "reply bytes → first byte on its wire", "× the line", "frames of on and its proof", "bytes to the board", "bytes from it"}

// tell makes the rows, the line first. A board is held against the line's calls
// that were made in turns with its own; edges are the line's.
func (t *wireTable) tell(edges map[string]time.Duration, all []*wired) error {
	var every []time.Duration
	for _, w := range all {
		line, err := since(w.beside, edges)
		if err != nil {
			return err
		}
		every = append(every, line...)
	}
	t.add("a simulated line, its edge", every, every)
	for _, w := range all {
		line, err := since(w.beside, edges)
		if err != nil {
			return err
		}
		e := exchanged{frames: w.median(func(e exchanged) int { return e.frames }),
			out: w.median(func(e exchanged) int { return e.out }), in: w.median(func(e exchanged) int { return e.in })}
		t.add(fmt.Sprintf("%s, %d channels", w.name, w.channels), w.times, line, strconv.Itoa(e.frames), strconv.Itoa(e.out), strconv.Itoa(e.in))
	}
	t.notes = append(t.notes, fmt.Sprintf("Wires: %d calls of each board, on and off, in turns with as many of the line.", len(every)/max(len(all), 1)))
	return nil
}

// add makes a row of times, and of the line's in turns with them.
func (t *wireTable) add(name string, times, line []time.Duration, more ...string) {
	sorted, base := slices.Sorted(slices.Values(times)), percentile(slices.Sorted(slices.Values(line)), 50)
	p50 := percentile(sorted, 50)
	row := []string{name, fmt.Sprintf("p50 %s, p90 %s", inMillis(p50), inMillis(percentile(sorted, 90))), fmt.Sprintf("%.2f", float64(p50)/float64(max(base, 1)))}
	row = append(row, more...)
	for len(row) < len(wireColumns) {
		row = append(row, "–")
	}
	t.rows = append(t.rows, row)
}

// median of what passed for a call: a retry on a busy machine is not the rule.
func (w *wired) median(of func(exchanged) int) int {
	var list []int
	for _, e := range w.all {
		list = append(list, of(e))
	}
	slices.Sort(list)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)/2]
}

// since is how long after at each call made its edge.
func since(at, edges map[string]time.Duration) (times []time.Duration, err error) {
	for id, sent := range at {
		edge, ok := edges["call "+id]
		if !ok {
			return nil, fmt.Errorf("call %s made no edge", id)
		}
		times = append(times, edge-sent)
	}
	return times, nil
}

func (t *wireTable) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n\n", t.machine)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{wireColumns}, t.rows...) {
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	_ = columns.Flush() // as the writes around it
	fmt.Fprintln(w)
	for _, n := range t.notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
}

// The marks between which writeInto puts the table.
const (
	wiresBegin = "<!-- longarm bench -boards -into this file: begin -->\n"
	wiresEnd   = "<!-- longarm bench -boards -into this file: end -->\n"
)

func (t *wireTable) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| %s |\n%s|\n", t.machine, strings.Join(wireColumns, " | "), strings.Repeat("|---", len(wireColumns)))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteString("\n")
	for _, n := range t.notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

func (t *wireTable) writeInto(path string) error {
	return writeBetween(path, wiresBegin, wiresEnd, t.markdown())
}
