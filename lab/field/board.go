package field

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"longarm/device/board/boardsim"
	"longarm/lab/guest"
)

// Relays is an LCUS board (boardsim) at the host end of a guest's USB adapter. It has a
// supply of its own: while the adapter is out its relays stay where they are.
type Relays struct {
	t     testing.TB
	g     *guest.Guest
	board *boardsim.Board
	conn  net.Conn

	mu    sync.Mutex
	got   []byte
	moves []string
	heard func(frame string) // told of what comes, before the board is
}

// WireBoard connects a board of so many channels with the guest's serial line, until t ends.
func WireBoard(t testing.TB, g *guest.Guest, channels int) *Relays {
	t.Helper()
	board, err := boardsim.New("lcus", channels, 0, boardsim.Quirks{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := g.DialSerial()
	if err != nil {
		t.Fatalf("host end of the serial line: %v", err)
	}
	r := &Relays{t: t, g: g, board: board, conn: conn}
	board.Watch(r.moved)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = boardsim.Serve(r, board) // ends with the connection
	}()
	t.Cleanup(func() { _ = conn.Close(); <-served })
	return r
}

// Read is the board's: it takes what the guest sent.
func (r *Relays) Read(p []byte) (int, error) {
	n, err := r.conn.Read(p)
	r.mu.Lock()
	r.got = append(r.got, p[:n]...)
	heard := r.heard
	r.mu.Unlock()
	if heard != nil && n > 0 {
		heard(fmt.Sprintf("%X", p[:n]))
	}
	return n, err
}

// Write is the board's: it answers the guest.
func (r *Relays) Write(p []byte) (int, error) { return r.conn.Write(p) }

func (r *Relays) moved(channel int, active bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves = append(r.moves, fmt.Sprint(channel, map[bool]string{true: " on", false: " off"}[active]))
}

// Got is every byte that came since the last Forget, as hexadecimal text.
func (r *Relays) Got() string { r.mu.Lock(); defer r.mu.Unlock(); return fmt.Sprintf("%X", r.got) }

// Moves is what the relays did since the last Forget: "1 on", "1 off", oldest first.
func (r *Relays) Moves() []string { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.moves) }

// Forget begins both records anew.
func (r *Relays) Forget() { r.mu.Lock(); defer r.mu.Unlock(); r.got, r.moves = nil, nil }

// Await waits until that is all that the relays did since the last Forget.
func (r *Relays) Await(limit time.Duration, moves ...string) {
	r.t.Helper()
	Until(r.t, "the relays did "+strings.Join(moves, ", "), limit, func() bool { return slices.Equal(r.Moves(), moves) })
}

// UnplugAt pulls the adapter out as soon as the frame, in hexadecimal, comes: the board
// gets it, and nothing of what the board would answer later comes back. Once.
func (r *Relays) UnplugAt(frame string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = func(p string) {
		if !strings.Contains(p, frame) {
			return
		}
		r.mu.Lock()
		r.heard = nil
		r.mu.Unlock()
		r.Unplug()
	}
}

// Unplug pulls the adapter out.
func (r *Relays) Unplug() {
	if err := r.g.UnplugSerial(); err != nil {
		r.t.Errorf("unplug: %v", err)
	}
}

// Plug puts the adapter back, into the same port.
func (r *Relays) Plug() {
	r.t.Helper()
	if err := r.g.PlugSerial(); err != nil {
		r.t.Fatalf("plug: %v", err)
	}
}

// SerialPath waits until the guest names its only adapter by the port that it is in, and
// gives that path.
func SerialPath(t testing.TB, g *guest.Guest) (path string) {
	t.Helper()
	Until(t, "udev names the adapter", 20*time.Second, func() bool {
		out, code, err := g.Run("/bin/sh", "-c", "ls -d /dev/serial/by-path/*")
		path = strings.TrimSpace(out)
		return err == nil && code == 0
	})
	return path
}

// Holds waits until the agent's process has a terminal of that kind ("ttyUSB") open.
func (b *Box) Holds(tty string, limit time.Duration) {
	b.t.Helper()
	Until(b.t, "the agent has the port open", limit, func() bool {
		out, _, err := b.Run("/bin/sh", "-c", "ls -l /proc/"+b.Prop("MainPID")+"/fd")
		return err == nil && strings.Contains(out, "/dev/"+tty) && !strings.Contains(out, tty+"0 (deleted)")
	})
}

// LoadModule loads a module of the guest's kernel again, which the lab's cache keeps.
func (b *Box) LoadModule(name string) {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(guest.CacheDir(), b.Arch, "work/modules/lib/modules/*/kernel/drivers/usb/serial", name+".ko.xz"))
	if err != nil || len(found) != 1 {
		b.t.Fatalf("module %s: %v, %v", name, found, err)
	}
	module, err := exec.Command("xz", "-dc", found[0]).Output()
	if err != nil {
		b.t.Fatalf("module %s: %v", name, err)
	}
	b.write("/run/"+name+".ko", string(module), 0o644)
	b.Sh("insmod /run/" + name + ".ko")
}
