package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// eventLimit bounds a line of the event stream.
const eventLimit = 1 << 20

// event is one server-sent event (HTML standard, section 9.2).
type event struct {
	name string
	data []byte
}

// events follows the service's event stream and hands each event to take until
// the stream breaks, ctx ends or take fails. The error is never nil; io.EOF
// says that the service closed the stream.
func (a *api) events(ctx context.Context, take func(event) error) error {
	resp, err := a.open(ctx, request{method: http.MethodGet, path: "/events"})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return readEvents(resp.Body, take)
}

// readEvents splits r into events. Comments, ids and retry hints are skipped;
// an event that the end cut off is dropped, as the standard says.
func readEvents(r io.Reader, take func(event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, eventLimit)
	var e event
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if len(e.data) > 0 {
				if err := take(e); err != nil {
					return err
				}
			}
			e = event{}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			e.name = string(value)
		case "data":
			if e.data != nil {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
		}
		if len(e.data) > eventLimit {
			return errors.New("an event of the service is over 1 MiB")
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the event stream: %w", err)
	}
	return io.EOF
}
