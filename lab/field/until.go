package field

import (
	"testing"
	"time"

	"longarm/lab/guest"
)

// Until looks again and again until f says yes, and fails t after limit.
func Until(t testing.TB, what string, limit time.Duration, f func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	const pause = 30 * time.Millisecond // after each look, however long it took: a guest whose
	look := time.NewTimer(pause)        // clock runs ahead while it is idle must be left idle
	defer look.Stop()
	for !f() {
		if time.Since(start) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		look.Reset(pause)
		<-look.C
	}
	return time.Since(start)
}

// Sh runs a shell command in the guest; one that does not end with 0 fails t.
func Sh(t testing.TB, g *guest.Guest, command string) string {
	t.Helper()
	out, code, err := g.Run("/bin/sh", "-c", command)
	if err != nil || code != 0 {
		t.Fatalf("in the guest: %s\nended with %d, %v\n%s", command, code, err, out)
	}
	return out
}
