package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// verdict says whether a bar was kept.
type verdict string

const (
	kept    verdict = "met"
	missed  verdict = "MISSED"
	skipped verdict = "skipped"
)

func judge(ok bool) verdict {
	if ok {
		return kept
	}
	return missed
}

// row is one promise held against what was measured.
type row struct {
	promise, bar, measured string
	verdict                verdict
}

// table is what bench prints.
type table struct {
	machine string
	rows    []row
	notes   []string // what the figures need to be understood
}

func (t *table) add(promise, bar, measured string, v verdict) {
	t.rows = append(t.rows, row{promise, bar, measured, v})
}

// skip tells what a row would need to be measured here.
func (t *table) skip(promise, bar, need string) { t.add(promise, bar, "needs "+need, skipped) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) missed() bool {
	for _, r := range t.rows {
		if r.verdict == missed {
			return true
		}
	}
	return false
}

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", t.machine)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(columns, "promise\tbar\tmeasured\tverdict\n")
	for _, r := range t.rows {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", r.promise, r.bar, r.measured, r.verdict)
	}
	_ = columns.Flush() // as the writes around it
	fmt.Fprintln(w)
	for _, n := range t.notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
}

// The marks between which writeInto puts the table.
const (
	tableBegins = "<!-- longarm bench -into this file: begin -->\n"
	tableEnds   = "<!-- longarm bench -into this file: end -->\n"
)

func (t *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| promise | bar | measured | verdict |\n|---|---|---|---|\n", t.machine)
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.promise, r.bar, r.measured, r.verdict)
	}
	b.WriteString("\n")
	for _, n := range t.notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// writeInto replaces what stands between the marks of a file.
func (t *table) writeInto(path string) error {
	return writeBetween(path, tableBegins, tableEnds, t.markdown())
}

func writeBetween(path, begins, ends, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the file for the table: %w", err)
	}
	before, rest, ok := strings.Cut(string(text), begins)
	_, after, ok2 := strings.Cut(rest, ends)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks for the table: %q and %q", path, strings.TrimSpace(begins), strings.TrimSpace(ends))
	}
	return os.WriteFile(path, []byte(before+begins+table+ends+after), 0o644)
}

// fileSystems are those whose fsync says something, and the one whose does not
// (statfs(2)).
var fileSystems = map[int64]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0xf2f52010: "f2fs",
	0x794c7630: "overlay", unix.TMPFS_MAGIC: inMemory,
}

const inMemory = "tmpfs"

// diskOf names the file system of a folder.
func diskOf(dir string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "an unknown file system"
	}
	magic := int64(s.Type) //nolint:unconvert // 32 bits wide on arm
	if name, ok := fileSystems[magic]; ok {
		return name
	}
	return fmt.Sprintf("file system %#x", magic)
}

// machine says what the figures were measured on.
func machine(dir string) string {
	kernel := "an unknown kernel"
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		kernel = "Linux " + unix.ByteSliceToString(u.Release[:])
	}
	return fmt.Sprintf("Measured on %s/%s, %d cores, %s, %s, journal on %s; Longarm %s.",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), kernel, runtime.Version(), diskOf(dir), versionText())
}
