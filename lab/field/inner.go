package field

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longarm/lab/guest"
)

// Tests is the test binary of a package, built for guests.
type Tests struct {
	Pkg  string // "./hw/gpio"
	Arch string // arm64 or arm, which is ARMv7
	Race bool   // with the race detector: arm64 only, linked with the guest's C library, so the guest needs one
}

// Build gives the path of the binary on the host.
func (b Tests) Build(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(b.Pkg)+".test")
	c := exec.Command("go", "test", "-c", "-o", bin, b.Pkg)
	c.Dir = Root(t)
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+b.Arch, "GOARM=7", "CGO_ENABLED=0")
	if b.Race {
		const compiler = "aarch64-linux-gnu-gcc-12"
		if _, err := exec.LookPath(compiler); err != nil {
			t.Fatalf("the race detector wants %s and its C library: install gcc-12-aarch64-linux-gnu and libc6-dev-arm64-cross", compiler)
		}
		c.Args = append(c.Args[:2:2], append([]string{"-race"}, c.Args[2:]...)...)
		c.Env = append(c.Env, "CGO_ENABLED=1", "CC="+compiler)
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of %s: %v\n%s", b.Pkg, err, out)
	}
	return bin
}

// RunTests runs a test binary that is in the guest under path, and makes each of its tests
// a subtest of t. One that was skipped in the guest has failed: a guest has everything. A
// line that a test logs as "figure: …" becomes a Figure. where is the guest for the table;
// without it the table shows none of the subtests.
func RunTests(t *testing.T, g *guest.Guest, where, path string, args ...string) {
	t.Helper()
	out, code, err := g.Run(append([]string{path, "-test.v=test2json", "-test.timeout=5m"}, args...)...)
	if err != nil {
		t.Fatalf("run %s: %v\n%s", path, err, out)
	}
	tests := readTests(t, out)
	if len(tests) == 0 {
		t.Errorf("no test was run:\n%s", out)
	}
	for _, n := range tests {
		n.show(t, where)
	}
	if code != 0 && !t.Failed() {
		t.Errorf("%s ended with %d although no test failed:\n%s", path, code, out)
	}
}

// innerTest is one test as it went in the guest.
type innerTest struct {
	name, action string
	seconds      float64
	said         strings.Builder
	inner        []*innerTest
}

// readTests turns what a test binary printed into its tests.
func readTests(t *testing.T, out string) (tests []*innerTest) {
	t.Helper()
	c := exec.Command("go", "tool", "test2json")
	c.Dir, c.Stdin = Root(t), strings.NewReader(out)
	events, err := c.Output()
	if err != nil {
		t.Fatalf("test2json: %v", err)
	}
	all := map[string]*innerTest{}
	for lines := bufio.NewScanner(bytes.NewReader(events)); lines.Scan(); {
		var e struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("test2json printed %q: %v", lines.Text(), err)
		}
		n := all[e.Test]
		switch {
		case e.Test == "":
		case e.Action == "run":
			n = &innerTest{name: e.Test}
			all[e.Test] = n
			if of := all[parent(e.Test)]; of != nil {
				n.name = strings.TrimPrefix(e.Test, parent(e.Test)+"/")
				of.inner = append(of.inner, n)
			} else {
				tests = append(tests, n)
			}
		case n == nil:
		case e.Action == "output":
			n.said.WriteString(e.Output)
		case e.Action == "pass", e.Action == "fail", e.Action == "skip":
			n.action, n.seconds = e.Action, e.Elapsed
		}
	}
	return tests
}

// parent is the name of the test that a test is a part of.
func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)]
}

func (n *innerTest) show(t *testing.T, where string) {
	t.Run(n.name, func(t *testing.T) {
		if where != "" {
			Where(t, where)
		}
		for line := range strings.Lines(n.said.String()) {
			if _, figure, ok := strings.Cut(line, "figure: "); ok {
				Figure(t, strings.TrimSpace(figure))
			}
		}
		for _, part := range n.inner {
			part.show(t, where)
		}
		switch n.action {
		case "pass":
			t.Logf("took %.2f s in the guest", n.seconds)
		case "skip":
			t.Errorf("was left out in the guest, which has everything:\n%s", n.said.String())
		default:
			t.Errorf("failed in the guest:\n%s", n.said.String())
		}
	})
}
