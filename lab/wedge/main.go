package main

import (
	"fmt"
	"os"
)

// socket is where the watcher takes listeners: an abstract name, so that a unit's view of
// the file system does not matter.
const socket = "@longarm-wedge"

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) >= 3 && args[0] == "run":
		err = run(args[1], args[2:])
	case len(args) >= 1 && args[0] == "watch":
		err = watch(os.Stdout, len(args) == 2 && args[1] == "-armed")
	default:
		err = fmt.Errorf("usage: wedge run CALL PROGRAM ARG... | wedge watch [-armed]")
	}
	fmt.Fprintln(os.Stderr, "wedge:", err)
	os.Exit(1)
}
