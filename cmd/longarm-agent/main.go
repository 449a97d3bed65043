// Command longarm-agent is the program on the box: it reads its config, opens
// the hardware, joins it with the agent and the client of the push service,
// and runs until it is told to stop. It never decides when hardware moves.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Exit codes of design.md section 6.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitRefused = 3 // failed, refused or expired
	exitUnknown = 4
	exitInUse   = 5
)

// verb is one word of the command line.
type verb struct {
	name, short string
	run         func(ctx context.Context, c command) int
}

// command is what a verb gets: its arguments and the world around it.
type command struct {
	args           []string
	stdout, stderr io.Writer
}

// verbs in the order in which help shows them.
func verbs() []verb {
	return []verb{
		{"run", "serve calls until SIGTERM (the default verb)", run},
		{"check", "validate the config, resolve every line and port, print what would move", check},
		{"doctor", "tell what will bite on this box, and the exact lines that help", runDoctor},
		{"do", "do one call without the network and print its answer as JSON", do},
		{"safe", "bring every output to its safe level", safe},
		{"resume", "end safe mode after a crash loop", resume},
		{"config-reference", "print every key of the config with default, range and unit", configReference},
		{"version", "print the version", version},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// dispatch runs the verb that args name; flags alone mean run.
func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name := "run"
	if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help") {
		usage(stdout)
		return exitDone
	}
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		fmt.Fprintf(stderr, "longarm-agent: unknown verb %q; longarm-agent -h lists them\n", name)
		return exitUsage
	}
	return all[i].run(ctx, command{args: args, stdout: stdout, stderr: stderr})
}

func usage(w io.Writer) {
	fmt.Fprint(w, `longarm-agent switches the relays and asks the serial gear of this box when a
push service, reached by outgoing HTTPS alone, says so.

Usage: longarm-agent [VERB] -config FILE [flags]

`)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-16s %s\n", v.name, v.short)
	}
	fmt.Fprint(w, `
Examples
  longarm-agent check -config /etc/longarm/longarm.toml
  longarm-agent do -config /etc/longarm/longarm.toml 'router cycle 10s'
  longarm-agent run -config longarm.toml -sim -sim-trace edges.jsonl

longarm-agent VERB -h explains one verb. Exit codes: 0 done, 1 error, 2 usage,
3 failed, refused or expired, 4 unknown, 5 in use.
`)
}
