package guest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Guest is a running machine. Its methods are safe for concurrent use, but for Close.
type Guest struct {
	Dir      string        // the working folder on the host
	Arch     string        // arm64 or arm
	Started  time.Time     // when QEMU was started
	Ready    time.Duration // from there to the control server's answer
	SerialAt string        // unix socket of the serial line's host end

	control    *control
	monitor    monitor
	cmd        *exec.Cmd
	complaints bytes.Buffer  // QEMU's standard error; read after done
	done       chan struct{} // closed when QEMU has ended
	exit       error         // how, read after done
	temporary  bool          // Dir goes at Close
	share      string        // the host's side of the shared folder
	label      string        // of the first chip
	signature  string        // what a saved machine must match
}

// ErrGone means that the guest ended while something was under way.
var ErrGone = errors.New("the guest is gone")

// Done is closed when QEMU has ended.
func (g *Guest) Done() <-chan struct{} { return g.done }

// Console returns what the kernel console printed so far.
func (g *Guest) Console() string {
	b, _ := os.ReadFile(filepath.Join(g.Dir, "console.log")) // none yet: nothing printed
	return string(b)
}

// Kill ends the machine at once: a power cut. What the guest had not written to its disk is
// lost.
func (g *Guest) Kill() {
	_ = g.cmd.Process.Kill() // it may have ended already
	<-g.done
}

// CPU returns the processor time that QEMU took; valid after Kill or Close.
func (g *Guest) CPU() time.Duration {
	if g.cmd == nil || g.cmd.ProcessState == nil {
		return 0
	}
	return g.cmd.ProcessState.UserTime() + g.cmd.ProcessState.SystemTime()
}

// Close ends the machine and removes its folder.
func (g *Guest) Close() error {
	if g.cmd != nil {
		g.Kill()
	}
	if g.control != nil {
		_ = g.control.close()
	}
	g.monitor.close()
	if !g.temporary {
		return nil
	}
	return os.RemoveAll(g.Dir)
}

// again calls f every step until it says yes or fails, for at most limit, and no longer than
// the guest runs.
func (g *Guest) again(what string, step, limit time.Duration, f func() (bool, error)) error {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-g.done:
			return fmt.Errorf("%s: qemu ended: %w", what, cmp.Or(g.exit, ErrGone))
		case <-end.C:
			return fmt.Errorf("%s within %v", what, limit)
		}
	}
}
