package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// flags is a verb's flag set; its flags may stand before, between and behind
// its words.
type flags struct {
	*flag.FlagSet
	c command
}

// newFlags makes the flag set of "longarm VERB". The help is the verb's usage
// line, what it does, and examples.
func (c command) newFlags(name, help string) flags {
	f := flags{flag.NewFlagSet("longarm "+name, flag.ContinueOnError), c}
	f.SetOutput(io.Discard)
	f.Usage = func() {
		w := f.Output()
		fmt.Fprintf(w, "Usage: longarm %s\nFlags\n", help)
		f.PrintDefaults()
	}
	return f
}

// parse reads the verb's arguments and returns its words, at least low and at
// most high of them (high < 0: any number). done says that the verb ends here
// with code: help was asked for, or something is wrong and has been said.
func (f flags) parse(low, high int) (words []string, code int, done bool) {
	for args := f.c.args; len(args) > 0; {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			f.SetOutput(f.c.stdout)
			f.Usage()
			return nil, exitDone, true
		} else if err != nil {
			return nil, f.wrong("%v", err), true
		}
		rest := f.Args()
		if at := len(args) - len(rest); at > 0 && args[at-1] == "--" {
			words, rest = append(words, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		words, args = append(words, rest[0]), rest[1:]
	}
	switch {
	case len(words) < low:
		return nil, f.wrong("something is missing"), true
	case high >= 0 && len(words) > high:
		return nil, f.wrong("what is %q for?", words[high]), true
	}
	return words, 0, false
}

// wrong says what is wrong with the command line; the result is exitUsage.
func (f flags) wrong(format string, args ...any) int {
	fmt.Fprintf(f.c.stderr, "%s: %s (%s -h explains it)\n", f.Name(), fmt.Sprintf(format, args...), f.Name())
	return exitUsage
}
