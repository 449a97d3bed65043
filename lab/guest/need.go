package guest

import (
	"os"
	"testing"
)

// Gate is the environment variable that asks for checks in guests: without it each one is
// left out, with it a guest that cannot be had is a failure.
const Gate = "LONGARM_LAB"

// Need leaves t out unless somebody asked for guests.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(Gate) == "" {
		t.Skip("left out: it needs a guest; make lab-test runs it")
	}
}
