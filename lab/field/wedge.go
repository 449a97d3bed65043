package field

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"longarm/lab/guest"
)

// Wedge hangs one system call of the shipped agent (lab/wedge). The agent must be started
// after Box.Wedge, and again for each arming of another program.
type Wedge struct {
	b    *Box
	proc *guest.Proc
	said transcript
}

// Wedge makes the unit start the agent behind a filter of one kind of call ("set",
// "get-line", "connect", "exit"), by a drop-in that allows seccomp(2) and takes nothing
// else away. armed holds the very first such call; else each goes through until Hold.
func (b *Box) Wedge(call string, armed bool) *Wedge {
	b.t.Helper()
	const program = "/usr/bin/longarm-wedge"
	Program(b.t, b.Guest, "./lab/wedge", program)
	b.DropIn("wedge", "ExecStart=", "ExecStart="+program+" run "+call+" "+b.shipped("ExecStart"), "SystemCallFilter=seccomp")
	w := &Wedge{b: b}
	argv := []string{program, "watch"}
	if armed {
		argv = append(argv, "-armed")
	}
	var err error
	if w.proc, err = b.Spawn(&w.said, &w.said, nil, argv...); err != nil {
		b.t.Fatalf("wedge: %v", err)
	}
	w.await("listening", 30*time.Second)
	return w
}

// Hold makes the nth call of that kind from here hang, and no other.
func (w *Wedge) Hold(nth int) {
	w.b.t.Helper()
	for i := range nth {
		w.tell(syscall.SIGUSR1, fmt.Sprintf("armed %d", i+1))
	}
}

// Release lets the call that hangs go on.
func (w *Wedge) Release() { w.b.t.Helper(); w.tell(syscall.SIGUSR2, "released") }

// Held waits until a call hangs.
func (w *Wedge) Held(limit time.Duration) { w.b.t.Helper(); w.await("held ", limit) }

// Remove takes the drop-in away; the next start is the shipped unit's.
func (w *Wedge) Remove() {
	w.b.t.Helper()
	w.b.DropIn("wedge")
	_ = w.proc.Signal(syscall.SIGKILL)
	_, _ = w.proc.Wait()
}

func (w *Wedge) tell(sig syscall.Signal, answer string) {
	w.b.t.Helper()
	if err := w.proc.Signal(sig); err != nil {
		w.b.t.Fatalf("wedge: %v", err)
	}
	w.await(answer, 30*time.Second)
}

// await waits for a line, and takes it and all before it as read.
func (w *Wedge) await(line string, limit time.Duration) {
	w.b.t.Helper()
	Until(w.b.t, "the wedge says "+line+", it said "+w.said.all(), limit, func() bool { return w.said.take(line) })
}

// transcript is a program's output, read as it comes.
type transcript struct {
	mu   sync.Mutex
	text string
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(p)
	return len(p), nil
}

func (l *transcript) all() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text }

func (l *transcript) take(start string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, rest, ok := strings.Cut("\n"+l.text, "\n"+start)
	if ok {
		l.text = rest
	}
	return ok
}

// DropIn writes a drop-in of the agent's unit with these settings of [Service]; none
// removes it.
func (b *Box) DropIn(name string, settings ...string) {
	b.t.Helper()
	path := "/run/systemd/system/" + Unit + ".d/" + name + ".conf"
	if len(settings) == 0 {
		b.Sh("rm -f " + path + "; systemctl daemon-reload")
		return
	}
	b.write(path, "[Service]\n"+strings.Join(settings, "\n")+"\n", 0o644)
	b.Sh("systemctl daemon-reload")
}

// shipped is the value of one setting of the unit as we ship it.
func (b *Box) shipped(key string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(b.t), "packaging/systemd", Unit))
	if err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), key+"="); is {
			return value
		}
	}
	b.t.Fatalf("%s has no %s", Unit, key)
	return ""
}
