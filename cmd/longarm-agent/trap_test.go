package main

import (
	"os"
	"strings"
	"testing"
)

// Traps of hardware.md, section 7; docs/traps.md has the whole list.

// unitSettings are all values of one setting of a unit, in order.
func unitSettings(t *testing.T, unit, key string) (values []string) {
	t.Helper()
	text, err := os.ReadFile("../../packaging/systemd/" + unit)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), key+"="); is {
			values = append(values, value)
		}
	}
	return values
}

// TestUnitsKeepLinesAndFallBackToSafe: "descriptor store and OnFailure unit
// installed": the package has both, and nothing else drives lines at a stop.
func TestUnitsKeepLinesAndFallBackToSafe(t *testing.T) {
	const agent, safe = "longarm-agent.service", "longarm-safe.service"
	for _, want := range []struct{ unit, key, value string }{
		{agent, "OnFailure", safe},
		{agent, "FileDescriptorStoreMax", "64"},
		{agent, "NotifyAccess", "main"},
		{agent, "ExecStopPost", ""},
		{safe, "ExecStart", "/usr/bin/longarm-agent safe -config /etc/longarm/longarm.toml"},
		{safe, "ExecStopPost", ""},
	} {
		if got := strings.Join(unitSettings(t, want.unit, want.key), ", "); got != want.value {
			t.Errorf("%s: %s=%s, want %q", want.unit, want.key, got, want.value)
		}
	}
}

// TestUnitsWaitForNoClockAndNoNetwork: "no time-sync dependency", and none on the
// network: a box whose clock or uplink never comes still holds its lines.
func TestUnitsWaitForNoClockAndNoNetwork(t *testing.T) {
	for _, unit := range []string{"longarm-agent.service", "longarm-safe.service"} {
		for _, key := range []string{"After", "Wants", "Requires", "Requisite", "BindsTo", "PartOf", "ExecCondition", "AssertPathExists"} {
			for _, value := range unitSettings(t, unit, key) {
				if strings.Contains(value, "time-") || strings.Contains(value, "network") {
					t.Errorf("%s: %s=%s, want it to start without", unit, key, value)
				}
			}
		}
	}
}
