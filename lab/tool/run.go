package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"longarm/lab/guest"
)

// run boots a guest for one program and gives its exit code.
func run(ctx context.Context, verb string, args []string, out, errw io.Writer) (int, error) {
	j, err := parse(verb, args, errw)
	if err != nil {
		return exitLab, err
	}
	began := time.Now()
	g, err := guest.Start(j.Options)
	if err != nil {
		return exitLab, err
	}
	booted := time.Now()
	code, err := j.in(ctx, g, out, errw)
	ended := time.Now()
	if closed := g.Close(); err == nil && closed != nil {
		return exitLab, closed
	}
	if j.verbose {
		fmt.Fprintf(errw, "lab: boot %.2fs, program %.2fs, QEMU's processor time %.2fs\n",
			booted.Sub(began).Seconds(), ended.Sub(booted).Seconds(), g.CPU().Seconds())
	}
	return code, err
}

func (j *job) in(ctx context.Context, g *guest.Guest, out, errw io.Writer) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, j.limit)
	defer cancel()
	p, err := g.Spawn(out, errw, j.env, j.argv...)
	if err != nil {
		return exitLab, err
	}
	done := make(chan struct{})
	code := 0
	go func() { code, err = p.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return exitLimit, fmt.Errorf("ended before the program: %w", ctx.Err())
	}
	if err != nil {
		return exitLab, err
	}
	return code, nil
}
