package main

import (
	"errors"
	"flag"
	"fmt"
)

const defaultConfig = "/etc/longarm/longarm.toml"

// settings are the flags that the verbs share.
type settings struct {
	config               string
	sim                  bool
	simTrace, simControl string
}

// parse reads a verb's flags, which may stand before or after its words. It
// returns the words; done says that the verb ends here, with code.
func (c command) parse(name, help string, s *settings) (words []string, code int, done bool) {
	f := flag.NewFlagSet("longarm-agent "+name, flag.ContinueOnError)
	f.SetOutput(c.stderr)
	f.StringVar(&s.config, "config", defaultConfig, "the box's config `FILE` (TOML)")
	f.BoolVar(&s.sim, "sim", false, "simulate the GPIO lines: no hardware is needed")
	f.StringVar(&s.simTrace, "sim-trace", "", "append each simulated edge to `FILE`, one JSON line each")
	f.StringVar(&s.simControl, "sim-control", "", "listen on the unix socket `PATH` for 'led on', 'power fail', …")
	f.Usage = func() {
		fmt.Fprintf(c.stderr, "Usage: longarm-agent %s\n\n%s\n\nFlags:\n", name, help)
		f.PrintDefaults()
	}
	args := c.args
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, exitDone, true
			}
			return nil, exitUsage, true
		}
		if f.NArg() == 0 {
			break
		}
		words, args = append(words, f.Arg(0)), f.Args()[1:]
	}
	if !s.sim && (s.simTrace != "" || s.simControl != "") {
		fmt.Fprintln(c.stderr, "longarm-agent: -sim-trace and -sim-control need -sim")
		return nil, exitUsage, true
	}
	return words, 0, false
}

// noWords refuses words that the verb does not take.
func (c command) noWords(name string, words []string) (int, bool) {
	if len(words) == 0 {
		return 0, false
	}
	fmt.Fprintf(c.stderr, "longarm-agent %s takes no words, got %q\n", name, words[0])
	return exitUsage, true
}
