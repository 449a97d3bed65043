package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"longarm/agent/config"
	"longarm/agent/journal"
	"longarm/device"
	"longarm/hw/gpio"
)

func TestWhoHoldsWhatIsNamedAndEndsWith5(t *testing.T) {
	for want, err := range map[string]error{
		`longarm:lamp`:         errors.Join(errors.New("x"), fmt.Errorf("output lamp: %w", &gpio.BusyError{Line: "gpiochip0 3", Owner: "longarm:lamp"})),
		`whoever`:              &gpio.BusyError{Line: "gpiochip0 3"},
		`longarm-agent run`:    &journal.HeldError{Dir: "d", Owner: "longarm-agent run, pid 7"},
		`longarm-agent: plain`: nil,
	} {
		var out bytes.Buffer
		code := exitInUse
		if err == nil {
			err, code = errors.New("plain"), exitError
		}
		if got := fail(&out, err); got != code {
			t.Errorf("%v: exit %d, want %d", err, got, code)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q does not name %q", out.String(), want)
		}
	}
}

func TestBusyLineIsRemembered(t *testing.T) {
	m, err := newMachine(settings{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.noteBusy("lamp", fmt.Errorf("open: %w", &gpio.BusyError{Owner: "other"}))
	m.noteBusy("router", gpio.ErrNotFound)
	if m.busy["lamp"] == nil || m.busy["router"] != nil {
		t.Errorf("busy %v, want lamp alone", m.busy)
	}
}

func TestStartAsIsTouchesNoLevel(t *testing.T) {
	p := &plant{}
	p.cfg.Device.Outputs = []device.OutputSpec{{Name: "lamp", AtStart: "on"}}
	p.startAsIs()
	if !keeps(p.cfg.Device.Outputs[0]) {
		t.Error("at_start still moves")
	}
}

func TestRunningPID(t *testing.T) {
	for owner, want := range map[string]int{
		"longarm-agent run, pid 123": 123, "longarm-agent do, pid 123": 0, "longarm-agent run, pid 1": 0, "longarm-agent run, pid -5": 0, "": 0,
	} {
		if got := runningPID(owner); got != want {
			t.Errorf("%q: pid %d, want %d", owner, got, want)
		}
	}
}

func TestResumeWithoutAnAgentForgetsTheCrashes(t *testing.T) {
	cfg := config.Config{StateDir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	j, err := openJournal(cfg, "run", log)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Set("crashes", "b1 1 2 3 4 5"), j.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := endSafeMode(cfg, log); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(cfg, "run", log); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if text, _ := j.Get("crashes"); text != "" {
		t.Errorf("the ledger still holds %q", text)
	}
}
