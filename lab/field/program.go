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
	Put(t, g, bin, path)
}

// Put copies a program of the host into a guest with systemd, through the folder that the
// two share: many times faster than guest.Put, above all in a Counted guest.
func Put(t testing.TB, g *guest.Guest, src, path string) {
	t.Helper()
	text, err := os.ReadFile(src)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(path)
	if err := os.WriteFile(filepath.Join(g.Dir, "share", name), text, 0o644); err != nil {
		t.Fatal(err)
	}
	Sh(t, g, "cp "+filepath.Join(guest.ShareDir, name)+" "+path+".new && chmod 755 "+path+".new && mv "+path+".new "+path)
}
