package doctor

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const lineWidth = 78

// groups in the order of the output: heading, and the word of the sum.
var groups = [...][2]string{Bites: {"\nBITES\n", " bites, "}, Note: {"\nNOTE\n", " to note, "}, OK: {"\nOK\n", " ok\n"}}

// Print writes the findings, worst first, then how many there are of each
// severity.
func (r Report) Print(w io.Writer) error {
	var s, sum strings.Builder
	wrap(&s, "", r.Box)
	sum.WriteString("\n")
	for severity, g := range groups {
		n := 0
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Severity != Severity(severity) {
				continue
			}
			if n++; n == 1 {
				s.WriteString(g[0])
			}
			wrap(&s, "  ", f.About+": "+f.Text)
			for _, line := range split(f.Remedy, "\n") {
				if exact, is := strings.CutPrefix(line, "\t"); is { // never broken: they are for copying
					s.WriteString("          " + exact + "\n")
				} else if line != "" {
					wrap(&s, "      ", line)
				}
			}
		}
		sum.WriteString(strconv.Itoa(n) + g[1])
	}
	_, err := io.WriteString(w, s.String()+sum.String())
	return err
}

// wrap breaks a sentence between words.
func wrap(s *strings.Builder, indent, text string) {
	line := indent
	for i, word := range words(text) {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line+word) < lineWidth:
			line += " " + word
		default:
			s.WriteString(line + "\n")
			line = indent + "  " + word
		}
	}
	s.WriteString(line + "\n")
}
