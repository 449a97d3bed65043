package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// unitValue is the value of one setting of longarm-agent.service.
func unitValue(t *testing.T, key string) string {
	t.Helper()
	text, err := os.ReadFile("../../packaging/systemd/longarm-agent.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), key+"="); is {
			return value
		}
	}
	t.Fatalf("longarm-agent.service has no %s", key)
	return ""
}

func unitSeconds(t *testing.T, key string) time.Duration {
	t.Helper()
	s, err := strconv.Atoi(unitValue(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(s) * time.Second
}

// TestUnitFitsTheConstants holds the unit against what the code's comments promise.
func TestUnitFitsTheConstants(t *testing.T) {
	if stop := unitSeconds(t, "TimeoutStopSec"); stop <= 5*time.Second {
		t.Errorf("TimeoutStopSec %s, want more than the agent's five seconds for its last words", stop)
	}
	if dog := unitSeconds(t, "WatchdogSec"); dog < 3*10*time.Second {
		t.Errorf("WatchdogSec %s, want at least three feeds of 10 s", dog)
	}
	if unitValue(t, "Type") != "notify" || unitValue(t, "NotifyAccess") != "main" {
		t.Error("the unit does not listen to READY and FDSTORE")
	}
	if n, err := strconv.Atoi(unitValue(t, "FileDescriptorStoreMax")); err != nil || n < 32 {
		t.Errorf("FileDescriptorStoreMax %d, want room for every output", n)
	}
}

// TestUnitsStartOnABrokenDisk: StateDirectory= is made by systemd, which gives up with
// 238/STATE_DIRECTORY where it can't; the agent does not.
func TestUnitsStartOnABrokenDisk(t *testing.T) {
	for _, unit := range []string{"longarm-agent.service", "longarm-safe.service"} {
		text, err := os.ReadFile("../../packaging/systemd/" + unit)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			pre, is := strings.CutPrefix(line, "ExecStartPre=")
			if strings.HasPrefix(line, "StateDirectory=") || is && !strings.HasPrefix(pre, "-") {
				t.Errorf("%s: %q keeps it from starting", unit, strings.TrimSpace(line))
			}
		}
	}
}
