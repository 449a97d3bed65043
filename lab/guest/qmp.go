package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// monitor is the connection to QEMU's monitor, made at the first command.
type monitor struct {
	mu   sync.Mutex
	conn net.Conn
	r    *bufio.Reader
}

// answerLimit bounds one command; even the slowest only starts something.
const answerLimit = 30 * time.Second

// QMP sends one command to QEMU's monitor, e.g. "system_reset", nil, and returns its answer
// (QEMU manual, "QEMU QMP Reference").
func (g *Guest) QMP(cmd string, args any) (json.RawMessage, error) {
	m := &g.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(filepath.Join(g.Dir, "qmp.sock")); err != nil {
		return nil, fmt.Errorf("qemu's monitor: %w", err)
	}
	answer, err := m.ask(cmd, args)
	if err != nil {
		return nil, fmt.Errorf("qemu's %s: %w", cmd, err)
	}
	return answer, nil
}

func (m *monitor) open(path string) (err error) {
	if m.conn != nil {
		return nil
	}
	if m.conn, err = net.Dial("unix", path); err != nil {
		return err
	}
	m.r = bufio.NewReader(m.conn)
	if _, err = m.r.ReadBytes('\n'); err != nil { // the greeting
		return err
	}
	_, err = m.ask("qmp_capabilities", nil)
	return err
}

// ask sends one command; events that come before its answer are passed over.
func (m *monitor) ask(cmd string, args any) (json.RawMessage, error) {
	q := struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
	}{cmd, args}
	if err := m.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(m.conn).Encode(q); err != nil {
		return nil, err
	}
	for {
		line, err := m.r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		var p struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		switch err := json.Unmarshal(line, &p); {
		case err != nil:
			return nil, fmt.Errorf("answer %q: %w", line, err)
		case p.Error != nil:
			return nil, errors.New(p.Error.Desc)
		case p.Return != nil:
			return p.Return, nil
		}
	}
}

func (m *monitor) close() {
	if m.conn != nil {
		_ = m.conn.Close()
	}
}
