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
	into := flag.String("into", "", "when all is well write the figures into `FILE` too, between its two marks")
	flag.Parse()
	ok, err := show(os.Stdin, paperOf(os.Stdout), asked{*all, *count, *into})
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// asked is what the flags say.
type asked struct {
	all, count bool
	into       string
}

// show reads everything, prints, and says whether all is well.
func show(in io.Reader, p paper, a asked) (bool, error) {
	live := p.Writer
	if a.count {
		live = io.Discard
	}
	r := newReport(live)
	if err := read(in, r.see); err != nil {
		return false, err
	}
	t := r.tally()
	p.failures(r)
	if a.count {
		fmt.Fprintf(p, "left out: %d checks in real kernels; make lab-test runs them\n", r.wantingGuest())
		return t.failed == 0, nil
	}
	p.table(t)
	ok := t.failed == 0 && (!a.all || t.skipped == 0 && t.guests > 0)
	if ok && a.into != "" {
		return ok, t.writeInto(a.into)
	}
	return ok, nil
}
