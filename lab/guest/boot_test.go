package guest

import (
	"testing"
	"time"
)

// boot is a guest for t, which is left out unless guests are asked for.
func boot(t *testing.T, o Options) *Guest {
	t.Helper()
	Need(t)
	t.Attr("guest", o.Name())
	g, err := Start(o)
	if err != nil {
		t.Fatalf("guest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console of the guest:\n%s", g.Console())
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func figure(t *testing.T, text string) { t.Helper(); t.Attr("figure", text); t.Log(text) }

// sh runs a shell command in the guest that must succeed.
func sh(t *testing.T, g *Guest, command string) string {
	t.Helper()
	out, code, err := g.Run("/bin/sh", "-c", command)
	if err != nil || code != 0 {
		t.Fatalf("%s\nended with %d, %v\n%s", command, code, err, out)
	}
	return out
}

// eventually looks again and again until f says yes.
func eventually(t *testing.T, g *Guest, what string, limit time.Duration, f func() bool) {
	t.Helper()
	if err := g.again(what, 20*time.Millisecond, limit, func() (bool, error) { return f(), nil }); err != nil {
		t.Fatal(err)
	}
}
