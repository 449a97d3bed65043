package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"longarm/hw/clock"
)

// edge is one line of the trace file; the keys and their order are pinned (design.md 6).
type edge struct {
	At     int64  `json:"t_us"` // CLOCK_MONOTONIC, microseconds
	Name   string `json:"name"`
	Active bool   `json:"active"`
	Why    string `json:"why"`
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
		var e edge
		if json.Unmarshal(line, &e) == nil && e.Name != "" {
			levels[e.Name] = e.Active
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
		b, err := json.Marshal(edge{clock.Monotonic().Microseconds(), name, active, why})
		if err != nil {
			return err
		}
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
