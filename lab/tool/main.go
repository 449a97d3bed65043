package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"longarm/lab/guest"
)

const (
	exitLimit = 124
	exitLab   = 125
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code, err := tool(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
	}
	os.Exit(code)
}

func tool(ctx context.Context, args []string, out, errw io.Writer) (int, error) {
	err := errors.New("usage: lab run|sh [flags] BINARY|COMMAND [ARG...]")
	switch {
	case len(args) == 6 && args[0] == "initramfs":
		err = guest.BuildInitramfs(args[1], guest.Parts{Kernel: args[2], GPIOSim: args[3], Inside: args[4], Busybox: args[5]})
	case len(args) == 2 && args[0] == "booted":
		err = guest.SaveBooted(guest.CacheDir(), args[1], errw)
	case len(args) > 1 && (args[0] == "run" || args[0] == "sh"):
		return run(ctx, args[0], args[1:], out, errw)
	}
	if err != nil {
		return exitLab, err
	}
	return 0, nil
}
