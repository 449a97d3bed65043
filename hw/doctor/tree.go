package doctor

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is a machine's file tree; absolute links in it stay below its root.
type tree struct{ root string }

const (
	devNull  = "/dev/null" // to which systemd and udev link what is masked
	maxLinks = 40          // as the kernel's limit, path_resolution(7)
	maxText  = 1 << 18     // bytes of one file; units and rules are far smaller
)

// real follows every link of a path; "" = it is not there, or not for us.
func (t *tree) real(name string) string {
	rest, done := strings.Split(name, "/"), "/"
	for links := 0; len(rest) > 0; {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(t.root + next)
		if err != nil || links > maxLinks {
			return ""
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		links++
		target, _ := os.Readlink(t.root + next) // it was a link a moment ago
		if target == devNull {                  // which a card that is not booted does not have
			return target
		}
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done
}

// text is a plain file's, without the white space and the NUL bytes at its end;
// empty when there is none. A device is never opened: a tty would raise DTR.
func (t *tree) text(name string) string {
	path := t.root + t.real(name)
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeType != 0 || info.Size() > maxText {
		return ""
	}
	text, _ := os.ReadFile(path) // as far as we may
	return strings.TrimRight(string(text), "\x00 \t\r\n")
}

// list gives the names in a dir, sorted; none when there is no such dir.
func (t *tree) list(dir string) []string {
	if dir = t.real(dir); dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(t.root + dir) // as far as we may
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// files gives the paths of files in several dirs, named in one text, in the order of their names;
// of files with one name the first counts, as with systemd and udev.
func (t *tree) files(dirs, below, suffix string) (paths texts) {
	var all texts
	for i, dir := range words(dirs) {
		dir += below
		for _, name := range t.list(dir) {
			if strings.HasSuffix(name, suffix) {
				all.add(name + "\x00" + string(rune('0'+i)) + dir + "/" + name)
			}
		}
	}
	slices.Sort(all)
	last := ""
	for _, entry := range all {
		name, path, _ := strings.Cut(entry, "\x00")
		if name != last {
			paths.add(path[1:])
		}
		last = name
	}
	return paths
}

// lines gives a file's lines, those that a backslash joins as one, without
// empty ones and comments.
func (t *tree) lines(name string) []string {
	all := strings.Split(strings.ReplaceAll(t.text(name), "\\\n", " "), "\n")
	n := 0
	for _, line := range all {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			all[n] = line
			n++
		}
	}
	return all[:n]
}

// texts grow by a call, which is a tenth of the code of an append in place.
type texts []string

func (t *texts) add(s string) { *t = append(*t, s) }
