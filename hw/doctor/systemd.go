package doctor

import (
	"strings"
	"time"
)

// unitDirs is where systemd looks for units, first wins, and where links tell
// what runs at boot (systemd.unit(5)); its own config is one dir up.
const unitDirs = "/etc/systemd/system /run/systemd/system /run/systemd/generator /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system"

// settings are the lines of a unit or of systemd's own config, drop-ins applied.
type settings struct {
	file   string // of the main file; "" = there is none
	masked bool
	lines  texts
}

// load reads the first file of that name, then the drop-ins.
func (b *box) load(name string) *settings {
	s := new(settings)
	for _, dir := range words(unitDirs) {
		file := dir + "/" + name
		if path := b.real(file); path != "" {
			s.file, s.masked = file, path == devNull
			s.lines = b.lines(file)
			break
		}
	}
	for _, file := range b.files(unitDirs, "/"+name+".d", ".conf") {
		for _, line := range b.lines(file) {
			s.lines.add(line)
		}
	}
	return s
}

// all are the values of a key, each with a line end; an empty one forgets those
// before it.
func (s *settings) all(key string) (values string) {
	for _, line := range s.lines {
		k, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(k) != key {
			continue
		}
		value = strings.TrimSpace(value)
		values += value + "\n"
		if value == "" {
			values = ""
		}
	}
	return values
}

// get is the last value of a key.
func (s *settings) get(key string) string {
	all := strings.TrimSpace(s.all(key))
	return all[strings.LastIndex(all, "\n")+1:]
}

// runs says that a unit is not masked, and wanted by something at boot.
func (b *box) runs(name string) bool {
	if b.load(name).masked {
		return false
	}
	for _, dir := range words(unitDirs) {
		for _, d := range b.list(dir) {
			if strings.HasSuffix(d, ".wants") && b.real(dir+"/"+d+"/"+name) != "" {
				return true
			}
		}
	}
	return false
}

// span reads a time span (systemd.time(7)): "15", "15s", "1min 30s"; 0 = off.
func span(text string) (time.Duration, error) {
	for _, r := range [...][2]string{{" ", ""}, {"min", "m"}, {"sec", "s"}} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	if text == "" || text == "off" {
		return 0, nil
	}
	if text[len(text)-1] <= '9' {
		text += "s"
	}
	return time.ParseDuration(text)
}
