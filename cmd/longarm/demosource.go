package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// lookEvery is the pause between two looks at a file that another process
// writes.
const lookEvery = 5 * time.Millisecond

// untilTrue looks again and again until ok, ctx ends or limit is over.
func untilTrue(ctx context.Context, limit time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// openEvents connects to the event stream: nothing is missed from here on.
func (a *api) openEvents(ctx context.Context) (io.ReadCloser, error) {
	resp, err := a.open(ctx, request{method: http.MethodGet, path: "/events"})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// followEvents hands the service's events to s until the stream ends.
func followEvents(stream io.Reader, s *sightings) error {
	return readEvents(stream, func(e event) error {
		var call callDoc
		var box containerDoc
		var err error
		switch e.name {
		case "call":
			if err = json.Unmarshal(e.data, &call); err == nil {
				s.call(call)
			}
		case "container":
			if err = json.Unmarshal(e.data, &box); err == nil {
				s.container(box)
			}
		}
		return err
	})
}

// followTrace hands the edges of a trace file to s, as it grows, until ctx
// ends. The file need not exist yet.
func followTrace(ctx context.Context, path string, s *sightings) error {
	var f *os.File
	var rest []byte
	buf := make([]byte, 4096)
	defer func() {
		if f != nil {
			f.Close()
		}
	}()
	var err error
	untilTrue(ctx, time.Duration(1<<62), func() bool {
		if f == nil {
			if f, err = os.Open(path); err != nil {
				f = nil
				return !errors.Is(err, fs.ErrNotExist)
			}
		}
		for n := 1; n > 0 && (err == nil || errors.Is(err, io.EOF)); {
			n, err = f.Read(buf)
			rest = append(rest, buf[:n]...)
		}
		if errors.Is(err, io.EOF) {
			rest, err = traceLines(rest, s)
		}
		return err != nil
	})
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("follow the trace: %w", err)
}

// traceLines takes whole lines from b and returns the rest.
func traceLines(b []byte, s *sightings) (rest []byte, err error) {
	for {
		line, after, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return b, nil
		}
		var e struct {
			At     int64 `json:"t_us"`
			Name   string
			Active bool
			Why    string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return b, fmt.Errorf("understand %q: %w", line, err)
		}
		s.edge(edgeSeen{at: s.t.traced(e.At), name: e.Name, active: e.Active, why: e.Why, by: "agent"})
		b = after
	}
}

// control says one line to the agent's control socket: "door on", "power
// fail". The error is the agent's answer when that is not ok.
func control(ctx context.Context, socket, text string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("reach the agent's control socket: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(requestLimit)); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if _, err := fmt.Fprintln(c, text); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if answer = strings.TrimSpace(answer); answer != "ok" {
		return fmt.Errorf("the agent answered %q to %q", clean(answer), clean(text))
	}
	return nil
}
