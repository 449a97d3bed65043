package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// verb is one word of the command line; it may have verbs of its own.
type verb struct {
	name, short string
	run         func(ctx context.Context, c command) int
}

// verbs in the order in which help shows them: one file each.
func verbs() []verb {
	return []verb{
		{"serve", "run the push service", serve},
		{"container", "add a box to the service, list boxes, pick one of two", container},
		{"call", "send one remote call and wait for its answer", call},
		{"ls", "what state is each box in, and why", ls},
		{"watch", "follow calls and boxes as they change", watch},
		{"token", "add, list and remove the tokens that operators use", token},
		{"demo", "show it all on this machine, without hardware", demo},
		{"bench", "measure what Longarm promises, on this machine", bench},
		{"version", "print the version", version},
	}
}

// dispatch runs the verb that the first word names. path is what stands before
// that word on the command line.
func dispatch(ctx context.Context, all []verb, path string, c command) int {
	if len(c.args) == 0 {
		usage(c.stderr, all, path)
		return exitUsage
	}
	name := c.args[0]
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, name) {
		return help(ctx, all, path, c)
	}
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		fmt.Fprintf(c.stderr, "longarm: %s\n", unknownVerb(all, path, name))
		return exitUsage
	}
	c.args = c.args[1:]
	return all[i].run(ctx, c)
}

// help shows all verbs, or with a word behind it that verb's own help.
func help(ctx context.Context, all []verb, path string, c command) int {
	if len(c.args) > 1 && c.args[0] == "help" {
		c.args = append(slices.Clone(c.args[1:]), "-h")
		return dispatch(ctx, all, path, c)
	}
	usage(c.stdout, all, path)
	return exitDone
}

func usage(w io.Writer, all []verb, path string) {
	if path == "longarm" {
		fmt.Fprint(w, topHelp)
	} else {
		fmt.Fprintf(w, "Usage: %s VERB [flags] [words]\n\nVerbs\n", path)
	}
	for _, v := range all {
		fmt.Fprintf(w, "  %-10s %s\n", v.name, v.short)
	}
	if path == "longarm" {
		fmt.Fprint(w, topExamples)
		return
	}
	fmt.Fprintf(w, "\n%s VERB -h explains one of them.\n", path)
}

const topHelp = `longarm runs the push service and sends remote calls through it: far away
somebody clicks "restart the router", here the relay moves.

Usage: longarm VERB [flags] [words]

Verbs
`

const topExamples = `
Examples
  longarm serve                                  run a service on this machine
  longarm container add shop-12 -button 'Restart router=router cycle 10s'
  longarm call shop-12 'router cycle 10s'        move something, see the answer
  longarm ls                                     who is there, who is dark, why
  longarm watch                                  what happens right now

The verbs that talk to a service read LONGARM_URL, LONGARM_TOKEN and LONGARM_PIN,
or -url, -token and -pin. On the service's own machine they find it by themselves
in its data directory. longarm VERB -h explains one verb.

Exit codes: 0 done, 1 error, 2 usage, 3 failed, refused, expired or cancelled,
4 unanswered or unknown, 5 in use.
`

// unknownVerb says what name might have meant.
func unknownVerb(all []verb, path, name string) string {
	var near, names []string
	for _, v := range all {
		names = append(names, v.name)
		if distance(v.name, name) <= min(2, (len(v.name)+1)/3) || len(name) > 1 && strings.HasPrefix(v.name, name) {
			near = append(near, v.name)
		}
	}
	if len(near) > 0 {
		return fmt.Sprintf("unknown verb %q; did you mean %s? (%s -h lists all)", name, strings.Join(near, " or "), path)
	}
	return fmt.Sprintf("unknown verb %q; there are %s (%s -h explains them)", name, strings.Join(names, ", "), path)
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
