// Command reflex is the simplest program that reacts to a line: whenever one line of the
// first chip changes, debounced like a power-fail line, it sets another to the same level.
// Trials compare the agent with it in the same guest, since both wake up on the same slow
// and busy machine; it is never shipped.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/warthog618/go-gpiocdev"
)

// debounce is the default of [power_fail].
const debounce = 2 * time.Millisecond

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reflex:", err)
		os.Exit(1)
	}
}

// run takes the offsets of the line that it watches and of the line that it sets.
func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want two offsets, got %q", args)
	}
	watched, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	moved, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	out, err := gpiocdev.RequestLine("gpiochip0", moved, gpiocdev.AsOutput(0))
	if err != nil {
		return fmt.Errorf("request output %d: %w", moved, err)
	}
	defer out.Close()
	in, err := gpiocdev.RequestLine("gpiochip0", watched, gpiocdev.WithBothEdges, gpiocdev.WithDebounce(debounce),
		gpiocdev.WithEventHandler(func(e gpiocdev.LineEvent) {
			level := 0
			if e.Type == gpiocdev.LineEventRisingEdge {
				level = 1
			}
			if err := out.SetValue(level); err != nil {
				fmt.Fprintln(os.Stderr, "reflex:", err)
			}
		}))
	if err != nil {
		return fmt.Errorf("request input %d: %w", watched, err)
	}
	defer in.Close()
	fmt.Fprintln(os.Stdout, "ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	return nil
}
