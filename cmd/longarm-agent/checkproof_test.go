package main

import (
	"testing"

	"longarm/device"
	"longarm/device/board"
)

func TestCheckTellsTheBestProof(t *testing.T) {
	real, blind := device.BoardSpec{Port: "/dev/x"}, device.BoardSpec{Port: "/dev/x", Map: &device.BoardMap{Function: 5, On: 1}}
	led := device.OutputSpec{Confirm: "led"}
	for _, test := range []struct {
		name   string
		sim    bool
		board  device.BoardSpec // no driver: a GPIO line
		driver string
		o      device.OutputSpec
		locked bool
		want   string
	}{
		{name: "line", want: "readback"},
		{name: "line that an input shows", o: led, want: "sensed by led"},
		{name: "simulated line", sim: true, want: "sim"},
		{name: "simulated line and input", sim: true, o: led, want: "sim"},
		{name: "board", board: real, driver: "lcus", want: "readback"},
		{name: "board that an input shows", board: real, driver: "lcus", o: led, want: "sensed by led"},
		{name: "board and simulated input", sim: true, board: real, driver: "lcus", o: led, want: "readback"},
		{name: "stand-in of a board", sim: true, board: device.BoardSpec{Port: simPort}, driver: "waveshare", o: led, want: "sim"},
		{name: "stand-in that is not served", board: device.BoardSpec{Port: simPort}, driver: "lcus", o: led, want: "sim"},
		{name: "map without a question", board: blind, driver: "modbus-generic", want: "acked"},
		{name: "timer both ways", board: real, driver: "waveshare", want: "readback; board times pulse, cycle"},
		{name: "timer both ways, nc", board: real, driver: "waveshare", o: device.OutputSpec{Contact: "nc"}, want: "readback; board times pulse, cycle"},
		{name: "in an interlock only the pulse on", board: real, driver: "waveshare", locked: true, want: "readback; board times pulse"},
		{name: "in an interlock nothing of nc", board: real, driver: "waveshare", locked: true, o: device.OutputSpec{Contact: "nc"}, want: "readback"},
		{name: "timer of the driven relay", board: real, driver: "eletechsup", want: "readback; board times pulse"},
		{name: "timer of the driven relay, nc", board: real, driver: "eletechsup", o: device.OutputSpec{Contact: "nc"}, want: "readback; board times pulse, cycle"},
	} {
		test.o.Name, test.o.Line = "x", device.LineRef{Line: "OUT"}
		spec := device.Spec{Groups: []device.GroupSpec{{Name: "g", Members: []string{"x"}}}}
		if test.driver != "" {
			test.board.Name, test.board.Driver, test.board.Channels = "b", test.driver, 8
			test.o.Board, test.o.Channel = "b", 1
			spec.Boards = []device.BoardSpec{test.board}
		}
		spec.Outputs = []device.OutputSpec{test.o}
		if test.locked {
			spec.Interlocks = []device.InterlockSpec{{Outputs: []string{"x", "y"}}}
		}
		k := realChecker(spec, someLines())
		if test.sim {
			k = simChecker(t, spec, "")
			k.port = func(string) error { return nil }
		}
		k.rows()
		x := k.outs[0]
		if got := k.sensed(x.proof, x.Confirm) + x.timed; got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCheckKnowsTheProofOfEveryFamily(t *testing.T) {
	for _, f := range board.Families() {
		k := realChecker(device.Spec{
			Boards:  []device.BoardSpec{{Name: "b", Driver: f.Name, Channels: 1, Port: "/dev/x"}},
			Outputs: []device.OutputSpec{{Name: "x", Board: "b", Channel: 1}},
		}, nil)
		k.rows()
		if got := proofs[k.outs[0].proof]; got != f.Proof {
			t.Errorf("%s: proof %q, want %q", f.Name, got, f.Proof)
		}
	}
}

func TestLeastIsTheWeakestOfAGroup(t *testing.T) {
	line := device.LineRef{Line: "OUT"}
	k := realChecker(device.Spec{
		Boards: []device.BoardSpec{{Name: "b", Driver: "modbus-generic", Channels: 1, Port: "/dev/x", Map: &device.BoardMap{Function: 6}}},
		Outputs: []device.OutputSpec{
			{Name: "seen", Line: line, Confirm: "led"}, {Name: "read", Line: line}, {Name: "told", Board: "b", Channel: 1},
		},
	}, someLines())
	k.rows()
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"seen"}, "sensed"},
		{[]string{"seen", "read"}, "readback"},
		{[]string{"told", "seen", "read"}, "acked"},
	} {
		if got := proofs[k.least(test.names...)]; got != test.want {
			t.Errorf("%q: got %q, want %q", test.names, got, test.want)
		}
	}
}
