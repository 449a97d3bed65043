package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	all := flag.Bool("all", false, "exit 1 too if a check was left out, or none ran in a guest")
	count := flag.Bool("count", false, "print only how many checks were left out for want of a guest")
	flag.Parse()
	p := paperOf(os.Stdout)
	ok, err := show(os.Stdin, p, *all, *count)
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// show reads everything, prints, and says whether all is well.
func show(in io.Reader, p paper, all, count bool) (bool, error) {
	live := p.Writer
	if count {
		live = io.Discard
	}
	r := newReport(live)
	if err := read(in, r.see); err != nil {
		return false, err
	}
	t := r.tally()
	p.failures(r)
	if count {
		fmt.Fprintf(p, "left out: %d checks in real kernels; make lab-test runs them\n", r.wantingGuest())
		return t.failed == 0, nil
	}
	p.table(t)
	return t.failed == 0 && (!all || t.skipped == 0 && t.guests > 0), nil
}
