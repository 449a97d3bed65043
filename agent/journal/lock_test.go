package journal

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const holdEnv = "LONGARM_TEST_HOLD"

// TestMain lets the test binary be the other process of TestHeldByAnother.
func TestMain(m *testing.M) {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	j, err := Open(dir, Options{Owner: "longarm-agent run, pid 4711"})
	if err == nil {
		_, _, err = j.Received(Received{ID: "theirs"})
	}
	if err != nil {
		os.Stdout.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until killed
}

func TestHeldByAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(dir, Options{Fallback: t.TempDir(), Owner: "me"})
	held, ok := errors.AsType[*HeldError](err)
	if !ok || j != nil || held.Owner != "longarm-agent run, pid 4711" || held.Dir != dir {
		t.Errorf("open: got %v, %v", j, err)
	}
	if !strings.Contains(err.Error(), "longarm-agent run, pid 4711") {
		t.Errorf("the error does not name the owner: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "journal")); string(after) != string(before) {
		t.Error("the held journal was written to")
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // killed, as said
	j = mustOpen(t, dir, Options{Owner: "me"})
	defer j.Close()
	if _, ok := j.Lookup("theirs"); !ok {
		t.Error("what the killed process received is forgotten")
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "lock")); string(text) != "me\n" {
		t.Errorf("the lock file says %q", text)
	}
}

// TestHeldFallback: two processes that both cannot use the dir meet in the
// fallback, and so does one that can with one that could not.
func TestHeldFallback(t *testing.T) {
	d := newMemDisk(t)
	broken := true
	d.fail = func(_ int, _, name string) error {
		if broken && strings.HasPrefix(name, testDir) {
			return errors.ErrUnsupported
		}
		return nil
	}
	mustOpen(t, testDir, memOptions(d))
	for range 2 {
		_, err := Open(testDir, memOptions(d))
		if held, ok := errors.AsType[*HeldError](err); !ok || held.Dir != testRun+"/state-state" || held.Owner != "longarm-agent run, pid 1" {
			t.Errorf("dir broken %v: got %v, want HeldError", broken, err)
		}
		broken = false
	}
	if node := d.names[testDir+"/lock"]; node.holder != nil {
		t.Error("a failed open keeps the dir's lock")
	}
}
