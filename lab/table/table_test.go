package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// recorded is what go test -json of Go 1.26 printed of a package with every result, one
// that panics and one that does not compile.
func recorded(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/run.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func shown(t *testing.T, in string, all, count bool) (string, bool) {
	t.Helper()
	var b bytes.Buffer
	ok, err := show(strings.NewReader(in), paper{Writer: &b}, asked{all: all, count: count})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), ok
}

func TestTable(t *testing.T) {
	got, ok := shown(t, recorded(t), false, false)
	if ok {
		t.Error("all is well with failed checks")
	}
	if *update {
		if err := os.WriteFile("testdata/run.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/run.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The events of one package, shortened: "ACTION TEST" each, "attr TEST KEY VALUE".
func events(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		f := append(strings.SplitN(l, " ", 4), "", "", "")
		b.WriteString(`{"Action":"` + f[0] + `","Package":"longarm/lab/x","Test":"` + f[1] + `","Elapsed":1.5,"Key":"` + f[2] +
			`","Value":"` + f[3] + `","Output":"` + f[2] + `"}` + "\n")
	}
	return b.String()
}

func TestVerdict(t *testing.T) {
	inGuest := []string{"run TestA", "attr TestA guest arm64 mini", "pass TestA"}
	with := func(more ...string) string { return events(append(inGuest, more...)...) }
	for name, c := range map[string]struct {
		in      string
		ok, all bool
		last    string
	}{
		"passed":         {with("pass "), true, true, "1 passed, 0 failed, 0 skipped"},
		"with unit test": {with("run TestU", "pass TestU"), true, true, "2 passed, 0 failed, 0 skipped"},
		"left out":       {with("run TestB", "skip TestB"), true, false, "1 passed, 0 failed, 1 skipped"},
		"part left out":  {with("run TestB", "run TestB/arm", "skip TestB/arm", "pass TestB"), true, false, "1 passed, 0 failed, 1 skipped"},
		"failed":         {with("run TestB", "fail TestB", "fail "), false, false, "1 passed, 1 failed, 0 skipped"},
		"failed part":    {with("run TestB", "run TestB/p", "fail TestB/p", "fail TestB", "fail "), false, false, "1 passed, 1 failed, 0 skipped"},
		"killed":         {with("run TestB"), false, false, "1 passed, 1 failed, 0 skipped"},
		"broken package": {with() + `{"Action":"fail","Package":"longarm/lab/y"}`, false, false, "1 passed, 1 failed, 0 skipped"},
		"no guest":       {events("run TestU", "pass TestU", "pass "), true, false, "1 passed, 0 failed, 0 skipped"},
		"nothing":        {"", true, false, "0 passed, 0 failed, 0 skipped"},
	} {
		for _, all := range []bool{false, true} {
			want := c.ok
			if all {
				want = c.all
			}
			out, ok := shown(t, c.in, all, false)
			if ok != want || !strings.HasSuffix(out, "\n"+c.last+"\n") {
				t.Errorf("%s, all=%t: ok %t, want %t and %q:\n%s", name, all, ok, want, c.last, out)
			}
		}
	}
}

// A part that fails is one row, in the guest of its test; a test that only has parts has
// none.
func TestRows(t *testing.T) {
	out, _ := shown(t, events("run TestA", "attr TestA guest arm64 mini", "run TestA/good", "pass TestA/good", "run TestA/bad", "fail TestA/bad", "fail TestA",
		"run TestB", "run TestB/arm", "attr TestB/arm guest arm mini", "attr TestB/arm figure 3 ms", "pass TestB/arm", "pass TestB"), false, false)
	_, table, _ := strings.Cut(out, "\n\n")
	want := "check      guest        time  result\n" +
		"TestA/bad  arm64 mini  1.5 s  FAIL\n" +
		"TestB/arm  arm mini    1.5 s  PASS\n" +
		"    3 ms\n" +
		"\n1 passed, 1 failed, 0 skipped\n"
	if table != want {
		t.Errorf("got\n%s\nwant\n%s", table, want)
	}
}

func TestCount(t *testing.T) {
	in := events("run TestA", "output TestA it_needs_a_guest", "skip TestA", "run TestB", "output TestB other", "skip TestB")
	out, ok := shown(t, strings.ReplaceAll(in, "it_needs_a_guest", "it needs a guest; make lab-test runs it"), false, true)
	if want := "left out: 1 checks in real kernels; make lab-test runs them\n"; out != want || !ok {
		t.Errorf("got %q, %t, want %q", out, ok, want)
	}
}

func TestColour(t *testing.T) {
	if got := (paper{colour: true}).paint(fail); got != "\x1b[31mFAIL\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := (paper{}).paint(fail); got != fail {
		t.Errorf("got %q", got)
	}
}

// What is no JSON is shown, and nothing breaks.
func TestOtherWords(t *testing.T) {
	out, ok := shown(t, "go: cannot find main module\n"+`{"Action":"fail","Package":"longarm/lab/x"}`, false, false)
	if ok || !strings.Contains(out, "go: cannot find main module") {
		t.Errorf("ok %t:\n%s", ok, out)
	}
}

// TestFiguresIntoAFile: they replace what stands between the marks, and nothing else; a run
// with a failed check leaves the file as it is.
func TestFiguresIntoAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.md")
	const head, tail = "# Head\n", "\ntail\n"
	run := func(result string) (string, bool, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(head+begins+"old\n"+ends+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		in := events("run TestA", "attr TestA guest mini", "attr TestA figure 33_ms", result+" TestA", "run TestB", "pass TestB")
		ok, err := show(strings.NewReader(in), paper{Writer: io.Discard}, asked{into: path})
		text, err2 := os.ReadFile(path)
		return string(text), ok, errors.Join(err, err2)
	}
	got, ok, err := run("pass")
	want := head + begins + "| check | guest | measured |\n|---|---|---|\n| `TestA` | mini | 33_ms |\n\n2 passed, 0 failed, 0 skipped.\n" + ends + tail
	if got != want || !ok || err != nil {
		t.Errorf("got %v %v\n%s\nwant\n%s", ok, err, got, want)
	}
	if got, ok, _ := run("fail"); ok || !strings.Contains(got, "old") {
		t.Errorf("a failed run wrote\n%s", got)
	}
	if err := os.WriteFile(path, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := show(strings.NewReader(events("run TestB", "pass TestB")), paper{Writer: io.Discard}, asked{into: path}); err == nil {
		t.Error("a file without marks: no error")
	}
}
