package guest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The saved machine in the architecture's folder of the cache.
const (
	savedDisk      = "booted.ext4"
	savedState     = "booted.state"
	savedSignature = "booted.sig"
)

// signature is the same for machines that can go on from each other's state.
func (m *machine) signature(order []string, meta Meta) string {
	version, _ := exec.Command(m.bin, "--version").Output() // the start that follows says what is wrong
	devices := strings.NewReplacer(m.dir, "DIR", m.cache, "CACHE").Replace(strings.Join(m.devices, " "))
	chips := fmt.Sprint(m.Chips)
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, devices, order, chips, meta.Kernel, meta.Guest, string(version))))
}

func fits(cache, signature string) error {
	b, err := os.ReadFile(filepath.Join(cache, savedSignature))
	if err != nil || string(b) != signature {
		return errors.New("the saved machine is out of date: run make lab")
	}
	return nil
}

// SaveBooted boots a machine with systemd once and saves it running, for Options.Booted,
// unless the one saved before still serves. Its caller holds the cache's lock alone.
func SaveBooted(cache, arch string, log io.Writer) error {
	again, err := newRun(Options{Cache: cache, Arch: arch, Booted: true, Timeout: 30 * time.Second})
	if err != nil {
		return err
	}
	if g, err := again.start(); err == nil {
		return g.Close()
	}
	_, _ = fmt.Fprintln(log, "lab: booting a machine with systemd once, to save it")
	disk := filepath.Join(again.cache, savedDisk)
	state := filepath.Join(again.cache, savedState)
	root := filepath.Join(again.cache, "rootfs.ext4")
	if out, err := exec.Command("cp", "--sparse=always", root, disk+".new").CombinedOutput(); err != nil {
		return fmt.Errorf("copy the root: %w: %s", err, out)
	}
	signature, err := bootAndSave(toSave(Options{Cache: cache, Arch: arch, Disk: disk + ".new"}), state+".new")
	if err != nil {
		return err
	}
	for _, f := range []string{disk, state} {
		if err := os.Rename(f+".new", f); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(again.cache, savedSignature), []byte(signature), 0o644)
}

func bootAndSave(r *run, state string) (string, error) {
	g, err := r.start()
	if err != nil {
		return "", err
	}
	defer func() { _ = g.Close() }()
	for _, c := range []string{"systemctl is-system-running --wait", "udevadm settle; journalctl --sync; sync"} {
		if out, code, err := g.Run("/bin/sh", "-c", c); err != nil || code != 0 {
			return "", errors.Join(fmt.Errorf("%s: %d: %s", c, code, out), err)
		}
	}
	return g.signature, g.save(state)
}

// save writes the state of the running machine to a file and ends it.
func (g *Guest) save(state string) error {
	if _, err := g.QMP("stop", nil); err != nil {
		return err
	}
	if _, err := g.QMP("migrate", map[string]any{"uri": "exec:cat > " + state}); err != nil {
		return err
	}
	err := g.again("save the machine", 50*time.Millisecond, 2*time.Minute, func() (bool, error) {
		r, err := g.QMP("query-migrate", nil)
		if err == nil && strings.Contains(string(r), `"failed"`) {
			err = fmt.Errorf("%s", r)
		}
		return strings.Contains(string(r), `"completed"`), err
	})
	if err != nil {
		return err
	}
	_, _ = g.QMP("quit", nil) // the answer may be lost in the end
	<-g.done
	return nil
}
