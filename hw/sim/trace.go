package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"longarm/hw/clock"
	"longarm/push/jsontext"
)

// edge is one line of the trace file; the keys and their order are pinned (design.md 6).
type edge struct {
	At     int64  `json:"t_us"` // CLOCK_MONOTONIC, microseconds
	Name   string `json:"name"`
	Active bool   `json:"active"`
	Why    string `json:"why"`
}

func (e edge) append(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"t_us":`...), e.At, 10)
	dst = jsontext.AppendString(jsontext.AppendKey(dst, "name"), e.Name)
	dst = strconv.AppendBool(jsontext.AppendKey(dst, "active"), e.Active)
	return append(jsontext.AppendString(jsontext.AppendKey(dst, "why"), e.Why), '}')
}

// readEdge is the name and the level of a line; not ok: it is no edge.
func readEdge(line []byte) (name string, active, ok bool) {
	members, err := jsontext.Members(line)
	for _, m := range members {
		switch m.Key {
		case "name":
			name, _ = jsontext.String(m.Value)
		case "active":
			active, ok = string(m.Value) == "true", string(m.Value) == "true" || string(m.Value) == "false"
		}
	}
	return name, active, ok && err == nil && name != ""
}

// trace holds the levels of all outputs and the file that records their edges.
type trace struct {
	mu     sync.Mutex
	f      *os.File // nil: not recorded
	levels map[string]bool
	closed bool
}

// openTrace reads the levels that the file ends with. A torn last line, left by a kill in
// the middle of a write, is cut off.
func openTrace(path string) (*trace, error) {
	t := &trace{levels: map[string]bool{}}
	if path == "" {
		return t, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	b, err := io.ReadAll(f)
	if err == nil {
		whole := bytes.LastIndexByte(b, '\n') + 1
		t.levels = lastLevels(b[:whole])
		if whole < len(b) {
			err = f.Truncate(int64(whole))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read trace %s: %w", path, err), f.Close())
	}
	t.f = f
	return t, nil
}

// lastLevels is the last level of each name; lines that are no edges are passed over.
func lastLevels(b []byte) map[string]bool {
	levels := map[string]bool{}
	for line := range bytes.Lines(b) {
		if name, active, ok := readEdge(line); ok {
			levels[name] = active
		}
	}
	return levels
}

// level is inactive and unknown for a name that was never moved.
func (t *trace) level(name string) (active, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	active, known = t.levels[name]
	return active, known
}

// set records the edge with one write, then moves. No change is no edge.
func (t *trace) set(name string, active bool, why string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return os.ErrClosed
	}
	if t.levels[name] != active && t.f != nil {
		b := edge{clock.Monotonic().Microseconds(), name, active, why}.append(nil)
		if _, err := t.f.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	t.levels[name] = active
	return nil
}

func (t *trace) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.f == nil {
		t.closed = true
		return nil
	}
	t.closed = true
	return t.f.Close()
}
