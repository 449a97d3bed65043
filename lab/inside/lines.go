package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"longarm/lab/wire"
)

// readLines reads where the simulated lines are; without chips there are none.
func readLines() map[string]string {
	lines := map[string]string{}
	if b, err := os.ReadFile(linesFile); err == nil {
		_ = json.Unmarshal(b, &lines) // PID 1 wrote it
	}
	return lines
}

func (s *server) line(name string) (string, error) {
	dir, ok := s.lines[name]
	if !ok {
		return "", fmt.Errorf("no line %q", name)
	}
	return dir, nil
}

// pull moves an input.
func pull(dir string, v int) error {
	if v == 0 {
		return put(dir+"/pull", "pull-down")
	}
	return put(dir+"/pull", "pull-up")
}

func (s *server) value(name string) (int, error) {
	dir, err := s.line(name)
	if err != nil {
		return 0, err
	}
	v, err := look(dir + "/value")
	if err == nil && v == "1" {
		return 1, nil
	}
	return 0, err
}

// awaitValue looks twice a millisecond, since the simulator's value cannot be polled.
func (s *server) awaitValue(q wire.Request) error {
	var v int
	var err error
	came := until(time.Duration(q.MS)*time.Millisecond, 500*time.Microsecond, func() bool {
		v, err = s.value(q.Line)
		return err != nil || v == q.Val
	})
	if err == nil && !came {
		err = fmt.Errorf("line %s is still %d after %d ms", q.Line, v, q.MS)
	}
	return err
}
