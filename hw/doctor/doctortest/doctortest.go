// Package doctortest builds the file tree of a machine from an archive of
// hw/doctor/testdata, whose README tells the notation, for tests. It makes no
// device nodes.
package doctortest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Read reads an archive. Project is the project's root, seen from the test.
func Read(t testing.TB, project, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(project, "hw/doctor/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Build writes the archive's files below root/ to a new folder.
func Build(t testing.TB, project string, a *txtar.Archive) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, f := range a.Files {
		if name, is := strings.CutPrefix(f.Name, "root/"); is {
			Put(t, project, filepath.Join(root, name), string(f.Data))
		}
	}
	return root
}

// Put writes one file: text, a link ("-> TARGET") or a copy ("<- FILE").
func Put(t testing.TB, project, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if target, is := strings.CutPrefix(text, "-> "); is {
		if err := os.Symlink(strings.TrimSpace(target), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	data := []byte(strings.ReplaceAll(text, `\0`, "\x00"))
	if file, is := strings.CutPrefix(text, "<- "); is {
		var err error
		if data, err = os.ReadFile(filepath.Join(project, strings.TrimSpace(file))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
