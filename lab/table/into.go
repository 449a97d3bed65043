package main

import (
	"fmt"
	"os"
	"strings"
)

// The marks between which writeInto puts the figures.
const (
	begins = "<!-- make lab-test INTO=this file: begin -->\n"
	ends   = "<!-- make lab-test INTO=this file: end -->\n"
)

// markdown is what was measured: the checks that have figures, and the tally.
func (t tally) markdown() string {
	var b strings.Builder
	b.WriteString("| check | guest | measured |\n|---|---|---|\n")
	for _, c := range t.rows {
		if len(c.figures) > 0 {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.label(), orDash(c.where()), strings.Join(c.figures, "<br>"))
		}
	}
	fmt.Fprintf(&b, "\n%d passed, %d failed, %d skipped.\n", t.passed, t.failed, t.skipped)
	return b.String()
}

// writeInto replaces what stands between the marks of a file.
func (t tally) writeInto(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the file for the figures: %w", err)
	}
	before, rest, ok := strings.Cut(string(text), begins)
	_, after, ok2 := strings.Cut(rest, ends)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks for the figures: %q and %q", path, strings.TrimSpace(begins), strings.TrimSpace(ends))
	}
	return os.WriteFile(path, []byte(before+begins+t.markdown()+ends+after), 0o644)
}
