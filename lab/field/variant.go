package field

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Variant builds an agent like the one that ships, but for one variable of the Makefile
// ("VERSION=0.2.0"), and gives its path on the host. arch is as in Agent.
func Variant(t testing.TB, arch, setting string) string {
	t.Helper()
	name := "dist/longarm-agent-" + arch
	plan := exec.Command("make", "--no-print-directory", "-n", "cross", setting)
	plan.Dir = Root(t)
	out, err := plan.Output()
	if err != nil {
		t.Fatalf("make -n cross: %v", err)
	}
	bin := filepath.Join(t.TempDir(), "agent")
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, " -o "+name+" ") {
			continue
		}
		build := exec.Command("sh", "-c", strings.Replace(line, name, bin, 1))
		build.Dir = Root(t)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return bin
	}
	t.Fatalf("make cross does not build %s", name)
	return ""
}
