package guest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"longarm/lab/wire"
)

// Start boots a guest and returns when its control server answers. It waits while the cache
// is being renewed. The caller closes the guest.
func Start(o Options) (*Guest, error) {
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	unlock, err := readCache(r.cache, renewLimit)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return r.start()
}

func (r *run) start() (*Guest, error) {
	g, err := r.folder()
	if err != nil {
		return nil, err
	}
	if err = r.launch(g); err == nil {
		err = r.await(g)
	}
	if err == nil {
		err = r.follow(g)
	}
	if err != nil {
		err = g.obituary(err)
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// folder makes the working folder.
func (r *run) folder() (*Guest, error) {
	g := &Guest{Dir: r.Dir, Arch: r.Arch, label: r.label(), done: make(chan struct{})}
	var err error
	if g.Dir == "" {
		g.temporary = true
		g.Dir, err = os.MkdirTemp("", "longarm-lab-")
	} else {
		err = os.MkdirAll(g.Dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("working folder: %w", err)
	}
	return g, nil
}

// launch starts QEMU and connects to the guest's control channel.
func (r *run) launch(g *Guest) error {
	m := newMachine(r, g.Dir)
	g.SerialAt, g.share = m.serial, m.shareDir()
	meta, err := readMeta(r.cache)
	if err != nil {
		return err
	}
	order := loads(m.modules, meta.Depends)
	if r.saved || r.bare {
		g.signature = m.signature(order, meta)
	}
	if r.saved {
		if err := fits(r.cache, g.signature); err != nil {
			return err
		}
	}
	if err := m.prepare(order); err != nil {
		return err
	}
	g.cmd = exec.Command(m.bin, m.args...)
	// If the test dies, so does its guest.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	g.cmd.Stderr = &g.complaints
	g.Started = time.Now()
	if err := g.cmd.Start(); err != nil {
		g.cmd = nil
		return fmt.Errorf("start %s: %w", m.bin, err)
	}
	go func() { g.exit = g.cmd.Wait(); close(g.done) }()
	return g.connect(m.file("ctl.sock"))
}

// prepare fills the working folder.
func (m *machine) prepare(order []string) error {
	for _, stale := range []string{"ctl.sock", "qmp.sock", "serial.sock", "console.log"} {
		if err := os.Remove(m.file(stale)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if dir := m.shareDir(); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("shared folder: %w", err)
		}
	}
	extra, err := overlay(m.config(order), m.Files)
	if err != nil {
		return err
	}
	base, err := os.ReadFile(filepath.Join(m.cache, "base.cpio"))
	if err != nil {
		return err
	}
	return os.WriteFile(m.file("initrd"), append(base, extra...), 0o600)
}

func (m *machine) config(order []string) wire.Config {
	return wire.Config{Mode: m.Mode, Modules: order, Chips: m.Chips, KeepSoC: m.KeepSoC, Trace: m.Trace && !m.saved,
		Net: !m.NoNet, Root: "/dev/vda", Hostname: "lab", Time: time.Now().UnixNano()}
}

// connect dials the control channel and then the monitor, whose sockets QEMU makes one after
// the other.
func (g *Guest) connect(path string) error {
	err := g.again("qemu made no control socket", 5*time.Millisecond, 20*time.Second, func() (bool, error) {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return false, nil
		}
		g.control = newControl(conn)
		return true, nil
	})
	if err != nil {
		return err
	}
	go g.control.read()
	return g.again("qemu made no monitor", 5*time.Millisecond, 20*time.Second, func() (bool, error) {
		g.monitor.mu.Lock()
		defer g.monitor.mu.Unlock()
		return g.monitor.open(filepath.Join(g.Dir, "qmp.sock")) == nil, nil
	})
}

// await waits until the server in the guest answers.
func (r *run) await(g *Guest) error {
	if r.saved {
		if err := r.resume(g); err != nil {
			return err
		}
	} else {
		limit := time.NewTimer(r.Timeout)
		defer limit.Stop()
		select {
		case <-g.control.hello:
		case <-g.done:
			return fmt.Errorf("qemu ended before the guest was up: %w", cmp.Or(g.exit, ErrGone))
		case <-limit.C:
			return fmt.Errorf("guest not up after %v", r.Timeout)
		}
	}
	g.Ready = time.Since(g.Started)
	return nil
}

// obituary adds what QEMU and the guest's console said last.
func (g *Guest) obituary(err error) error {
	const most = 3000
	if g.cmd == nil {
		return err
	}
	g.Kill() // so that QEMU has said all
	console := g.Console()
	if len(console) > most {
		console = console[len(console)-most:]
	}
	return fmt.Errorf("%w\nqemu: %s\nconsole:\n%s", err, bytes.TrimSpace(g.complaints.Bytes()), console)
}
