// Command longarm is everything but the box: it runs the push service and is
// the operator's end of it. It takes a verb and its flags, talks to a service
// through the operator API, prints plain sentences or JSON, and answers with
// an exit code. It never opens hardware.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes of design.md section 6.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitRefused = 3 // failed, refused, expired or cancelled
	exitUnknown = 4 // unanswered or unknown
	exitInUse   = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// command is what a verb gets: its words and flags, and the world around it.
type command struct {
	args           []string
	env            func(string) string
	stdout, stderr io.Writer
}

// run does what args say and returns the exit code. env looks up environment
// variables and may return "" for each. When ctx ends the verb ends too.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	return dispatch(ctx, verbs(), "longarm", command{args: args, env: env, stdout: stdout, stderr: stderr})
}
