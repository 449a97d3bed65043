package main

import (
	"os"
	"path/filepath"
	"testing"

	"longarm/agent/journal"
)

func TestInstanceIsKeptAndNewWhileNothingCanBeKept(t *testing.T) {
	name := func(dir string) string {
		t.Helper()
		j, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		id, err := instance(j)
		if (err != nil) != (j.Degraded() != nil) {
			t.Errorf("got error %v with a journal that says %v", err, j.Degraded())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return id
	}
	good := t.TempDir()
	if first, again := name(good), name(good); first != again || len(first) != 16 {
		t.Errorf("names %q and %q over a restart, want one of 16 digits", first, again)
	}
	// The state dir that once held a name turns bad: its lock is a folder now.
	if err := os.Remove(filepath.Join(good, "lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(good, "lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	if first, again := name(good), name(good); first == again {
		t.Errorf("the name %q twice although nothing is kept", first)
	}
}
