package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"

	"longarm/device/board/boardsim"
)

// boardPlan is a simulated board, one relay of which is an output.
type boardPlan struct {
	name, driver      string
	channels, channel int
	unit              int
	speaks            string // what the config says of how, besides the driver
	quirks            boardsim.Quirks
	output            string
	proof, why        string // the best that it can prove
}

// demoBoards, one for each proof. The map of the second has no read: its board
// is told, and not asked.
var demoBoards = []boardPlan{
	{name: "clone", driver: "lcus", channels: 2, channel: 1, quirks: boardsim.Quirks{Silent: true},
		output: "fan", proof: "sent", why: "this clone never says a word"},
	{name: "modbus", driver: "modbus-generic", channels: 4, channel: 2, unit: 1, speaks: "map = { function = 6, on = 1, off = 0 }\n",
		output: "valve", proof: "acked", why: "it says that it took it, and its config knows no question"},
	{name: "lcus", driver: "lcus", channels: 4, channel: 3,
		output: "pump", proof: "readback", why: "the board was asked, and shows it"},
}

// demoBoard is a simulated board behind a real pty.
type demoBoard struct {
	boardPlan
	sim           *boardsim.Board
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

// openBoard puts the board behind a pty. watch is told each edge of a relay, saw
// what passes on the wire; a nil watch is not told. The slave stays open here, or
// the master would fail while nobody has the port.
func openBoard(plan boardPlan, watch func(channel int, active bool), saw func(toBoard bool, p []byte)) (*demoBoard, error) {
	b, err := boardsim.New(plan.driver, plan.channels, plan.unit, plan.quirks)
	if err != nil {
		return nil, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a pty for the board %s: %w", plan.name, err)
	}
	b.Watch(watch)
	d := &demoBoard{boardPlan: plan, sim: b, master: master, slave: slave, done: make(chan struct{})}
	go func() { // close waits for it
		defer close(d.done)
		_ = boardsim.Serve(tap{master, saw}, b) // ends with the pty
	}()
	return d, nil
}

// openBoard tells what happens on the board in the story.
func (s *sightings) openBoard(plan boardPlan) (*demoBoard, error) {
	return openBoard(plan, func(channel int, active bool) {
		name := plan.output
		if channel != plan.channel {
			name = fmt.Sprintf("%s %d", plan.name, channel) // which no scene expects
		}
		s.edge(edgeSeen{at: time.Now(), name: name, active: active, by: plan.name})
	}, func(toBoard bool, p []byte) { s.bytes(plan.name, toBoard, p) })
}

// config is the board's part of the agent's file.
func (d *demoBoard) config() string {
	return fmt.Sprintf("\n[[board]]\nname = %q\ndriver = %q\nport = %q\nchannels = %d\n%s", d.name, d.driver, d.slave.Name(), d.channels, d.speaks) +
		fmt.Sprintf("\n[[output]]\nname = %q\nboard = %q\nchannel = %d\n", d.output, d.name, d.channel)
}

// close ends the board; the agent must have let go of the port.
func (d *demoBoard) close() {
	_ = d.slave.Close() // the last one: the master's read fails now
	_ = d.master.Close()
	<-d.done
}
