package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"

	"longarm/device/board/boardsim"
)

const boardChannels = 4

// demoBoard is a simulated LCUS board behind a real pty.
type demoBoard struct {
	master, slave *os.File
	done          chan struct{}
}

// tap tells about every byte that passes.
type tap struct {
	rw  io.ReadWriter
	saw func(toBoard bool, p []byte)
}

func (t tap) Read(p []byte) (int, error) {
	n, err := t.rw.Read(p)
	if n > 0 {
		t.saw(true, p[:n])
	}
	return n, err
}

func (t tap) Write(p []byte) (int, error) {
	n, err := t.rw.Write(p)
	if n > 0 {
		t.saw(false, p[:n])
	}
	return n, err
}

// openBoard puts the board behind a pty and tells s what happens on it. The
// slave stays open here, or the master would fail while nobody has the port.
func openBoard(s *sightings) (*demoBoard, error) {
	b, err := boardsim.New("lcus", boardChannels, 0, boardsim.Quirks{})
	if err != nil {
		return nil, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a pty for the board: %w", err)
	}
	b.Watch(func(channel int, active bool) {
		if channel == pumpChannel {
			s.edge(edgeSeen{at: time.Now(), name: "pump", active: active, by: "board"})
		}
	})
	d := &demoBoard{master: master, slave: slave, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		_ = boardsim.Serve(tap{master, s.bytes}, b) // ends with the pty
	}()
	return d, nil
}

// close ends the board; the agent must have let go of the port. A nil board is
// closed.
func (d *demoBoard) close() {
	if d == nil {
		return
	}
	_ = d.slave.Close() // the last one: the master's read fails now
	_ = d.master.Close()
	<-d.done
}
