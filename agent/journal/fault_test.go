package journal

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

var errCut = errors.New("the power is gone")

// operations counts what one run asks of the disk.
func operations(t *testing.T, rounds int) int {
	d := newMemDisk(t)
	j := mustOpen(t, testDir, memOptions(d))
	newScript(t, j).run(rounds)
	if err := errors.Join(j.Close(), j.Degraded()); err != nil {
		t.Fatal(err)
	}
	return d.ops
}

// TestPowerCutAtEveryOperation: what was promised on a whole state dir is there
// afterwards, whatever of the unsynced bytes and names arrived.
func TestPowerCutAtEveryOperation(t *testing.T) {
	for n := range operations(t, 4) + 1 {
		d := newMemDisk(t)
		d.fail = func(i int, _, _ string) error {
			if i > n {
				return errCut
			}
			return nil
		}
		j := mustOpen(t, testDir, memOptions(d))
		s := newScript(t, j)
		s.counts = func() bool { return j.Degraded() == nil }
		s.run(4)
		for _, current := range []bool{false, true} {
			for share := range 5 {
				left := d.after(true, current, share)
				next := mustOpen(t, testDir, memOptions(left))
				if err := errors.Join(s.check(next, true), next.Degraded()); err != nil {
					t.Fatalf("cut after operation %d (names current: %v, %d/4 of the bytes): %v", n, current, share, err)
				}
			}
		}
	}
}

// TestFaultAtEveryOperation: one failing operation costs at most its own call;
// the journal goes on elsewhere, says so, and the next run has it all.
func TestFaultAtEveryOperation(t *testing.T) {
	faults := []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS, errShort}
	for _, sticky := range []bool{false, true} {
		for _, fault := range faults {
			t.Run(fmt.Sprintf("%v, sticky %v", fault, sticky), func(t *testing.T) {
				for n := range operations(t, 4) {
					faultAt(t, n+1, fault, sticky)
				}
			})
		}
	}
}

func faultAt(t *testing.T, n int, fault error, sticky bool) {
	d := newMemDisk(t)
	hit := ""
	d.fail = func(i int, op, name string) error {
		switch {
		case i < n || i > n && !sticky || !strings.HasPrefix(name, testDir):
			return nil
		case errors.Is(fault, syscall.EROFS) && (op == "read" || op == "open" || op == "flock"):
			return nil // a read-only dir can be read
		}
		hit = op
		if op != "write" && errors.Is(fault, errShort) {
			return syscall.EIO
		}
		return fault
	}
	j := mustOpen(t, testDir, memOptions(d))
	s := newScript(t, j)
	s.run(4)
	if err := s.check(j, true); err != nil {
		t.Errorf("fault in operation %d (%s): %v", n, hit, err)
	}
	err := j.Degraded()
	if hit != "" && hit != "open" && hit != "mkdir" && err == nil { // an open that only looks may fail unseen
		t.Errorf("fault in operation %d (%s): not degraded", n, hit)
	}
	if err != nil && (!strings.Contains(err.Error(), "goes on in "+testRun) || !strings.Contains(err.Error(), "start the agent again")) {
		t.Errorf("fault in operation %d: degraded says %q", n, err)
	}
	next, again := reopen(t, d)
	if err := errors.Join(s.check(again, true), again.Degraded()); err != nil {
		t.Errorf("fault in operation %d (%s), next run: %v", n, hit, err)
	}
	if next.names[testRun+"/state-state/journal"] != nil {
		t.Errorf("fault in operation %d: the fallback is still there", n)
	}
	_, third := reopen(t, next)
	if err := s.check(third, true); err != nil {
		t.Errorf("fault in operation %d (%s), third run: %v", n, hit, err)
	}
}

// TestBothDirsFail: the journal goes on in memory, and what was promised
// before is on the disk.
func TestBothDirsFail(t *testing.T) {
	for n := range operations(t, 3) {
		d := newMemDisk(t)
		d.fail = func(i int, _, name string) error {
			if i > n || strings.HasPrefix(name, testRun) {
				return syscall.EIO
			}
			return nil
		}
		j := mustOpen(t, testDir, memOptions(d))
		s := newScript(t, j)
		s.counts = func() bool { return j.Degraded() == nil }
		s.run(3)
		if err := j.Degraded(); err == nil || !strings.Contains(err.Error(), "goes on in memory only") || !errors.Is(err, syscall.EIO) {
			t.Errorf("from operation %d on: degraded says %v", n, err)
		}
		if err := s.check(j, true); err != nil {
			t.Errorf("from operation %d on: %v", n, err)
		}
		_, next := reopen(t, d)
		if err := s.check(next, true); err != nil {
			t.Errorf("from operation %d on, next run: %v", n, err)
		}
		if err := j.Close(); err != nil && n > 5 {
			t.Errorf("close: %v", err)
		}
	}
}

// TestFallbackMergedAtEveryOperation: the run that merges the fallback back
// may be killed, or meet a fault, at any moment.
func TestFallbackMergedAtEveryOperation(t *testing.T) {
	d := newMemDisk(t)
	d.fail = func(i int, _, name string) error {
		if i > 40 && strings.HasPrefix(name, testDir) {
			return syscall.ENOSPC
		}
		return nil
	}
	s := newScript(t, mustOpen(t, testDir, memOptions(d)))
	s.run(4)
	for n := range 40 {
		for _, kill := range []bool{true, false} {
			left := d.after(false, true, 0)
			left.fail = func(i int, _, _ string) error {
				if i == n || kill && i > n {
					return syscall.EIO
				}
				return nil
			}
			if _, err := Open(testDir, memOptions(left)); err != nil {
				t.Fatal(err)
			}
			_, next := reopen(t, left)
			if err := errors.Join(s.check(next, true), next.Degraded()); err != nil {
				t.Errorf("operation %d, killed %v: %v", n, kill, err)
			}
		}
	}
}

// TestStaleFallback: one that could not be removed after it was merged says
// nothing about later runs.
func TestStaleFallback(t *testing.T) {
	d := newMemDisk(t)
	d.fail = func(i int, op, name string) error {
		if op == "remove" || i > 20 && op == "fsync" && strings.HasPrefix(name, testDir) {
			return syscall.EIO
		}
		return nil
	}
	j := mustOpen(t, testDir, memOptions(d))
	s := newScript(t, j)
	s.lease(s.received("lamp"))
	s.set("instance", "one")
	for i := range 20 {
		s.set("epoch", fmt.Sprint(i))
	}
	if j.Degraded() == nil {
		t.Fatal("not degraded")
	}
	d = d.after(false, true, 0)
	d.fail = func(_ int, op, _ string) error {
		if op == "remove" {
			return syscall.EIO
		}
		return nil
	}
	j = mustOpen(t, testDir, memOptions(d))
	if got := j.Leases()["t-lamp"]; got != "lamp" {
		t.Fatalf("lease after the merge is %q, want lamp", got)
	}
	if err := errors.Join(j.LeaseClosed("t-lamp"), j.Set("instance", "two")); err != nil {
		t.Fatal(err)
	}
	_, j = reopen(t, d)
	if len(j.Leases()) != 0 {
		t.Errorf("leases are %v, want none", j.Leases())
	}
	if got, _ := j.Get("instance"); got != "two" {
		t.Errorf("instance is %q, want two", got)
	}
}
