package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../"

// traps is how many lines the list has.
const traps = 21

// TestTrapsNameTestsThatExist holds docs/traps.md against the repository: each
// row of the list is there and names a test, and each test that the page names
// exists where it says.
func TestTrapsNameTestsThatExist(t *testing.T) {
	page, err := os.ReadFile(root + "docs/traps.md")
	if err != nil {
		t.Fatal(err)
	}
	known := testNames(t)
	named := regexp.MustCompile("`((?:[a-z-]+/)*[a-z-]+)\\.(Test[A-Za-z0-9_]+|Fuzz[A-Za-z0-9_]+)`|`([a-z/-]+\\.txtar)`")
	next := 1
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, fmt.Sprintf("| %d |", next)) {
			if next++; len(cells) != 4 || !named.MatchString(cells[3]) {
				t.Errorf("row %d has %d columns, or names no test in the last", next-1, len(cells))
			}
		}
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(root + m[3]); m[3] != "" && err != nil {
				t.Error(err)
			}
			if m[3] == "" && !known[m[1]+"."+m[2]] {
				t.Errorf("%s has no test %s", m[1], m[2])
			}
		}
		// Whatever looks like a test is one that was looked for.
		if n := len(regexp.MustCompile(`\b(Test|Fuzz)[A-Z]|\.txtar\b`).FindAllString(line, -1)); n != len(named.FindAllString(line, -1)) {
			t.Errorf("%d tests in %.40q…, of which %d are named as `package.TestName` or `path.txtar`", n, line, len(named.FindAllString(line, -1)))
		}
	}
	if next != traps+1 {
		t.Errorf("the list ends before row %d, want %d rows", next, traps)
	}
}

// testNames are all tests of the repository, as package.TestName.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			dir, _ := filepath.Rel(root, filepath.Dir(path)) // both begin alike
			names[dir+"."+m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
