package memory

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestKill kills a process that writes as fast as it can: every write that it saw acknowledged is there afterwards.
func TestKill(t *testing.T) {
	if path := os.Getenv("LONGARM_TEST_ENGINE"); path != "" {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "engine")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), "LONGARM_TEST_ENGINE="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for in := bufio.NewScanner(out); in.Scan(); { // what it said before it died counts too
		if n, err := strconv.Atoi(in.Text()); err == nil {
			acknowledged = n
		}
		if acknowledged == 200 {
			if err := child.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	e := open(t, path, Options{})
	d, err := e.Last(t.Context(), "counter")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := strconv.Atoi(string(d.Data)); err != nil || got < acknowledged || acknowledged < 200 {
		t.Errorf("after the kill: got %d, want at least %d", got, acknowledged)
	}
}

func writeUntilKilled(t *testing.T, path string) {
	e, err := Open(path, Options{CompactAt: 2048})
	if err != nil {
		t.Fatal(err)
	}
	var rev uint64
	for n := 1; ; n++ {
		rev, err = e.Append(t.Context(), "counter", strconv.AppendInt(nil, int64(n), 10), rev)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(n)
	}
}
