package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDuplicateMovesNothing: a service that hands out the same call with every
// reply, over a restart of the agent too, gets one pulse for it.
func TestDuplicateMovesNothing(t *testing.T) {
	e := newEvil(t, false, false, okReply(`{"success":true,"message":"","data":{"messageId":"m1","containerId":"c1","data":"router pulse 50ms","ttlMs":60000}}`))
	dir := t.TempDir()
	conf := fmt.Sprintf("[push]\nurl = \"https://%s\"\ncontainer = \"c1\"\nkey_file = %q\npins = [%q]\n[state]\ndir = %q\n[[output]]\nname = \"router\"\nline = \"GPIO17\"\n",
		e.addr, filepath.Join(dir, "key"), e.pin, filepath.Join(dir, "state"))
	for name, text := range map[string]string{"key": "k\n", "box.toml": conf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for run := range 2 {
		before := e.requests.Load()
		cmd := exec.Command(filepath.Join(binaries, "longarm-agent"), "run", "-config", filepath.Join(dir, "box.toml"), "-sim", "-sim-trace", filepath.Join(dir, "trace"))
		log := &lockedBuffer{}
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(20 * time.Millisecond)
		for end := time.Now().Add(patience); e.requests.Load() < before+30 && time.Now().Before(end); <-tick.C {
		}
		tick.Stop()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("run %d: %v", run, err)
		}
		if n := e.requests.Load() - before; n < 30 {
			t.Errorf("run %d: only %d requests, the duplicate was hardly delivered\n%s", run, n, log)
		}
		if !strings.Contains(log.String(), "duplicate of a") {
			t.Errorf("run %d: the log knows no duplicate", run)
		}
	}
	trace, err := os.ReadFile(filepath.Join(dir, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(trace), "\n"); n != 2 {
		t.Errorf("%d edges, want the two of one pulse:\n%s", n, trace)
	}
}
