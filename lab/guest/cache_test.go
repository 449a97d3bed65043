package guest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A guest that starts while the cache is renewed waits; two that start do not wait for each
// other.
func TestStartWaitsForRenewal(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	synctest.Test(t, func(t *testing.T) {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		if _, err := readCache(dir, time.Second); err == nil {
			t.Fatal("no wait while it is being renewed")
		}
		time.AfterFunc(30*time.Second, func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) })
		began := time.Now()
		one, err := readCache(dir, time.Minute)
		if took := time.Since(began); err != nil || took < 30*time.Second || took > 31*time.Second {
			t.Fatalf("%v after %v, want to wait for the renewal of 30 s", err, took)
		}
		two, err := readCache(dir, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			t.Error("renewed while a guest starts")
		}
		one()
		two()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			t.Errorf("not let go: %v", err)
		}
	})
}

func TestUnprepared(t *testing.T) {
	if _, err := Start(Options{Cache: t.TempDir()}); !errors.Is(err, errUnprepared) {
		t.Errorf("got %v, want that the lab is not prepared", err)
	}
}
