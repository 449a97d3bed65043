package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/config"
	"longarm/device"
	"longarm/hw/sim"
)

// TestCheckSaysWhatTheStartDoes holds the words of check against a Box that
// starts on the same simulated lines: every output alone, and every pair of an
// interlock, in each state in which the last run can have left it.
func TestCheckSaysWhatTheStartDoes(t *testing.T) {
	var all []startCase
	for _, contact := range []device.Contact{device.ContactNO, device.ContactNC} {
		for _, safe := range []device.Load{device.LoadOff, device.LoadOn} {
			for _, at := range []string{"keep", "off", "on"} {
				for _, left := range []string{"new", "inactive", "active", "board"} {
					all = append(all, startCase{contact, safe, at, left})
				}
			}
		}
	}
	trace := filepath.Join(t.TempDir(), "trace")
	for _, a := range all {
		startAgrees(t, trace, false, a)
		for _, b := range all {
			if a.safe == device.LoadOn && b.safe == device.LoadOn || a.startsOn() && b.startsOn() {
				continue // config refuses these
			}
			startAgrees(t, trace, true, a, b)
		}
	}
}

// startCase is an output and how it was left.
type startCase struct {
	contact  device.Contact
	safe     device.Load
	at, left string
}

func (c startCase) startsOn() bool { return c.at == "on" || c.at == "keep" && c.safe == device.LoadOn }

// startAgrees starts a box of these outputs on a simulation.
func startAgrees(t *testing.T, trace string, locked bool, cases ...startCase) {
	t.Helper()
	spec := device.Spec{Boards: []device.BoardSpec{{Name: "s", Driver: "lcus", Channels: 4, Port: simPort}}, Lockout: &device.InputSpec{}}
	var names []string
	var left strings.Builder
	for i, c := range cases {
		o := device.OutputSpec{Name: string(rune('a' + i)), Contact: c.contact, Safe: c.safe, AtStart: c.at}
		names = append(names, o.Name)
		switch c.left {
		case "board":
			o.Board, o.Channel = "s", i+1
		case "active", "inactive":
			fmt.Fprintf(&left, "{\"t_us\":1,\"name\":%q,\"active\":%t,\"why\":\"before\"}\n", o.Name, c.left == "active")
		}
		spec.Outputs = append(spec.Outputs, o)
	}
	if locked {
		spec.Interlocks = []device.InterlockSpec{{Outputs: names, DeadTime: 100 * time.Millisecond}}
	}
	if err := os.WriteFile(trace, []byte(left.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	k := simChecker(t, spec, trace)
	k.rows()
	if err := k.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(trace); err != nil || string(now) != left.String() {
		t.Fatalf("%+v: check wrote %q (%v)", cases, now, err)
	}
	states, moved := started(t, spec, trace)
	var on, going []string
	for i, o := range k.outs {
		if states[i].Load == "on" {
			on = append(on, o.Name)
		}
		if strings.Contains(k.start(o), "dead time") {
			going = append(going, o.Name)
		}
	}
	for i, o := range k.outs {
		says := k.start(o)
		none, goes := strings.HasPrefix(says, "nothing"), strings.Contains(says, "line goes ")
		want := states[i].Active
		if none {
			want = o.active
		} else if goes {
			want = strings.Contains(says, "line goes active")
		}
		switch {
		case none == goes:
			t.Errorf("%+v\n%s: check says %q, want nothing or where the line goes", cases, o.Name, says)
		case len(going) > 1:
			if len(on) != 1 {
				t.Errorf("%+v\n%s: check says %q, loads on %q, want one", cases, o.Name, says, on)
			}
		case states[i].Active != want:
			t.Errorf("%+v\n%s: check says %q, the line is %s", cases, o.Name, says, activeWord(states[i].Active))
		case none == slices.Contains(moved, o.Name) && o.Board == "":
			t.Errorf("%+v\n%s: check says %q, the lines that moved are %q", cases, o.Name, says, moved)
		}
	}
}

// simChecker is a checker of simulated lines; trace may be "".
func simChecker(t *testing.T, spec device.Spec, trace string) *checker {
	t.Helper()
	m, err := sim.New(sim.Options{Trace: trace})
	if err != nil {
		t.Fatal(err)
	}
	return &checker{cfg: config.Config{Device: spec}, sim: m, taken: map[string]string{}}
}

// started lets a box run for a minute; moved are the lines with new edges.
func started(t *testing.T, spec device.Spec, trace string) (states []device.TargetState, moved []string) {
	t.Helper()
	before, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		m, err := newMachine(settings{sim: true, simTrace: trace}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		m.openBoards(spec, nil)
		box := device.New(spec, m, device.Options{})
		if errs := box.Open(t.Context()); errs != nil {
			t.Fatal(errs)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- box.Run(ctx) }()
		time.Sleep(time.Minute)
		states = box.Report()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := m.sim.Close(); err != nil {
			t.Error(err)
		}
	})
	after, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(after[len(before):])) {
		var edge struct{ Name string }
		if err := json.Unmarshal([]byte(line), &edge); err != nil {
			t.Fatal(err)
		}
		moved = append(moved, edge.Name)
	}
	return states, moved
}
