package field

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longarm/lab/guest"
)

// Start boots a guest for t, or leaves t out when nobody asked for the lab. The guest is
// ended when t ends; when t failed, its console is shown. o.Arch is arm64 unless set.
func Start(t *testing.T, o guest.Options) *guest.Guest {
	t.Helper()
	Need(t)
	Where(t, o.Name())
	g, err := guest.Start(o)
	if err != nil {
		t.Fatalf("guest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console of the guest:\n%s", g.Console())
		}
		_ = g.Close()
	})
	return g
}

// Need leaves t out unless the lab was asked for.
func Need(t *testing.T) {
	t.Helper()
	guest.Need(t)
}

// Where notes in which guest t ran, for the table at the end.
func Where(t *testing.T, guest string) { t.Attr("guest", guest) }

// Figure notes a measured figure of t, for the table at the end: "settled 0.41 s".
func Figure(t *testing.T, text string) { t.Attr("figure", text); t.Log(text) }

// Root is the project's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
	}
	t.Fatalf("no go.mod above %s", dir)
	return ""
}

// Agent is the path of the agent's binary for an architecture: "arm64", "armv7", "armv6".
// make cross builds them; one that is not there is a failure.
func Agent(t testing.TB, arch string) string { return built(t, "dist/longarm-agent-"+arch) }

// Longarm is the path of the service's binary on the host.
func Longarm(t testing.TB) string { return built(t, "bin/longarm") }

func built(t testing.TB, rel string) string {
	t.Helper()
	p := filepath.Join(Root(t), rel)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s is not built (make build cross): %v", rel, err)
	}
	return p
}

func trim(b []byte) string { return strings.TrimSpace(string(b)) }
