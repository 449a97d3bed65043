package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// paper is what the table is printed on.
type paper struct {
	io.Writer
	colour bool
}

// paperOf prints in colour on a terminal, unless NO_COLOR is set (no-color.org).
func paperOf(f *os.File) paper {
	fi, err := f.Stat()
	return paper{f, err == nil && fi.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
}

func (p paper) paint(result string) string {
	colour := map[string]string{pass: "32", fail: "31", leftOut: "33"}[result]
	if !p.colour || colour == "" {
		return result
	}
	return "\x1b[" + colour + "m" + result + "\x1b[0m"
}

// failures prints the whole output of what failed.
func (p paper) failures(r *report) {
	if r.build.Len() > 0 {
		fmt.Fprintf(p, "\n%s the build\n%s", p.paint(fail), r.build.String())
	}
	for _, c := range r.checks {
		// A test that failed in its parts alone has nothing to say.
		if c.result == fail && !onlyVerdict(c.output.String()) {
			fmt.Fprintf(p, "\n%s %s\n%s", p.paint(fail), c.label(), c.output.String())
		}
	}
}

func onlyVerdict(output string) bool {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- FAIL: ") && !strings.HasPrefix(line, "FAIL") {
			return false
		}
	}
	return true
}

// table prints the rows, and their figures below each.
func (p paper) table(t tally) {
	cells := [][4]string{{"check", "guest", "time", "result"}}
	figures := [][]string{nil}
	for _, c := range t.rows {
		cells = append(cells, [4]string{c.label(), orDash(c.where()), seconds(c.seconds), c.result})
		figures = append(figures, c.figures)
	}
	if t.bare > 0 {
		cells = append(cells, [4]string{fmt.Sprintf("%d checks of the lab itself", t.bare), "-", seconds(t.seconds), pass})
		figures = append(figures, nil)
	}
	var width [3]int
	for _, row := range cells {
		for i := range width {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	fmt.Fprintln(p)
	for i, row := range cells {
		fmt.Fprintf(p, "%-*s  %-*s  %*s  %s\n", width[0], row[0], width[1], row[1], width[2], row[2], p.paint(row[3]))
		for _, f := range figures[i] {
			fmt.Fprintf(p, "    %s\n", f)
		}
	}
	fmt.Fprintf(p, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}

func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
