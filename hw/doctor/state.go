package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const stateDir = "state dir"

// mount is one line of /proc/mounts (proc_pid_mounts(5)).
type mount struct{ dir, kind, options string }

// checkState: without a state dir that stays, the agent keeps its journal in
// memory, and serves only what is harmless when it forgets.
func (b *box) checkState() {
	dir := b.spec.StateDir
	m := b.mountOf(dir)
	kind := m.kind
	if kind == "overlay" { // what it writes goes to its upper dir
		_, upper, _ := strings.Cut(m.options, "upperdir=")
		upper, _, _ = strings.Cut(upper, ",")
		kind = b.mountOf(upper).kind
	}
	severity, text := OK, "%0 is on %1 and stays"
	switch {
	case m.dir == "":
		severity, text = unknown, "what %0 stands on: /proc/mounts does not say it"
	case kind == "overlay": // seen from inside
		severity, text = unknown, "whether %0 stays: where its overlay writes is hidden"
	case kind == "tmpfs" || kind == "ramfs":
		severity, text = Bites, "%0 is in memory (%2): a power cut makes the agent forget which calls it did{state}"
	case has(m.options, "ro"):
		severity, text = Bites, "%0 is read-only: the agent does only what needs no memory{state}"
	case strings.HasSuffix(kind, "fat") || strings.HasPrefix(kind, "nfs") || kind == "cifs":
		severity, text = Note, "%0 is on %1, where a power cut may cost the journal{state}"
	}
	b.say(severity, stateDir, text, dir, kind, m.kind)
	// ProtectSystem=strict makes all read-only that the unit does not name.
	may := b.unit.get("ProtectSystem") != "strict"
	for _, w := range words(b.unit.all("ReadWritePaths")) {
		may = may || under(dir, strings.TrimLeft(w, "-+"))
	}
	if !may {
		b.say(Bites, stateDir, "the unit does not let the agent write to %0{service}ReadWritePaths=-%0\nthe same for "+safeUnit+", and run as root:\n\tinstall -d -o longarm -g longarm -m 0750 %0", dir)
	}
}

// mountOf finds what the nearest dir of a path that exists stands on; mounts
// of one dir hide each other, the last counts.
func (b *box) mountOf(dir string) (best mount) {
	for len(dir) > 1 && b.real(dir) == "" {
		dir = filepath.Dir(dir)
	}
	dir = b.real(dir)
	for _, line := range b.lines("/proc/mounts") {
		if f := strings.Fields(line); len(f) > 3 && under(dir, f[1]) && len(f[1]) >= len(best.dir) {
			best = mount{f[1], f[2], f[3]}
		}
	}
	return best
}

func under(path, dir string) bool {
	return strings.HasPrefix(path+"/", strings.TrimSuffix(dir, "/")+"/")
}

// The measurement: of a journal record's size, and how slow is too slow.
const (
	writes     = 100
	writeSize  = 256
	writesMost = 10 * time.Second // then it ends with fewer

	slow    = 100 * time.Millisecond
	tooSlow = time.Second
)

// measure writes to the state dir and says how long a write takes to be safe.
func (b *box) measure(ctx context.Context) {
	n, p99, err := timeWrites(ctx, b.spec.StateDir)
	switch {
	case err == nil:
		b.judge(n, p99)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, context.Canceled):
		b.say(unknown, stateDir, "how fast it is: %0", err.Error())
	default: // full, read-only or broken
		b.say(Bites, stateDir, "it can't be written: %0{state}", err.Error())
	}
}

func (b *box) judge(n int, p99 time.Duration) {
	severity, text := OK, "measured: %0 writes of 256 bytes, each with fsync: p99 %1"
	if p99 > slow {
		severity, text = Note, text+": each call waits for two of these"
	}
	if hold := b.spec.HoldUp; p99 > tooSlow || hold > 0 && p99 > hold/2 {
		severity, text = Bites, text+": calls, and the last words at a power-fail, wait for these\nuse:\n\tanother card or disk"
	}
	b.say(severity, stateDir, text, strconv.Itoa(n), p99.Round(10*time.Microsecond).String())
}

// timeWrites appends to a file of its own and removes it, whatever happens. Of
// 100 times the 99th is the second longest; of fewer it is the longest.
func timeWrites(ctx context.Context, dir string) (n int, p99 time.Duration, err error) {
	name := dir + "/.longarm-doctor"
	_ = os.Remove(name) // of a run that was killed; else there is none
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, 0, err
	}
	slowest, start := time.Duration(0), time.Now()
	for err == nil && n < writes && time.Since(start) < writesMost && ctx.Err() == nil {
		begin := time.Now()
		if _, err = f.Write(make([]byte, writeSize)); err == nil {
			err = f.Sync()
		}
		took := time.Since(begin)
		p99 = max(p99, min(took, slowest))
		slowest = max(slowest, took)
		n++
	}
	if n == 0 && err == nil {
		err = ctx.Err()
	}
	if n < writes {
		p99 = slowest
	}
	return n, p99, errors.Join(err, f.Close(), os.Remove(name))
}
