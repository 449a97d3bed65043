package main

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	"longarm/agent/config"
	"longarm/agent/journal"
	"longarm/device"
	"longarm/hw/clock"
)

// TestDeadlineOfMaxOnIsKept: hardware.md 7, "timers monotonic; deadline persisted": for this
// boot only, and until the load is off.
func TestDeadlineOfMaxOnIsKept(t *testing.T) {
	dir := t.TempDir()
	spec := device.Spec{Outputs: []device.OutputSpec{{Name: "heater"}, {Name: "pump"}, {Name: "old"}}}
	in := func(f func(p *plant)) {
		t.Helper()
		j, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		f(&plant{journal: j, log: slog.New(slog.DiscardHandler), cfg: config.Config{Device: spec}})
	}
	in(func(p *plant) {
		p.onUntilChanged("heater", 5*time.Hour)
		p.onUntilChanged("pump", time.Hour)
		p.onUntilChanged("pump", 0)
		if err := p.journal.Set(onUntilFact("old"), "another-boot "+"7"); err != nil {
			t.Fatal(err)
		}
	})
	in(func(p *plant) {
		if got, want := p.onUntil(), map[string]time.Duration{"heater": 5 * time.Hour}; !maps.Equal(got, want) {
			t.Errorf("boot %s: got %v, want %v", clock.BootID(), got, want)
		}
	})
}
