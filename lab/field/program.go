package field

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"longarm/lab/guest"
)

// Program builds one of the lab's own programs ("./lab/wedge") for a guest and puts it
// there under path.
func Program(t testing.TB, g *guest.Guest, pkg, path string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(pkg))
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, pkg)
	c.Dir = Root(t)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+g.Arch, "GOARM=7")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	if err := g.Put(bin, path, 0o755); err != nil {
		t.Fatal(err)
	}
}
