package board_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"longarm/device/board"
	"longarm/device/board/boardsim"
	"longarm/hw/serial"
)

// plug is a pty with boards at its far end; its near end is at a path that
// stays, as a port's by-path name does.
type plug struct {
	t     *testing.T
	path  string
	sims  []*boardsim.Board
	ends  []*os.File
	serve sync.WaitGroup
}

func (p *plug) in() {
	p.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		p.t.Skipf("needs /dev/ptmx: %v", err)
	}
	_ = os.Remove(p.path) // the first time there is none
	if err := os.Symlink(slave.Name(), p.path); err != nil {
		p.t.Fatal(err)
	}
	master = interruptible(p.t, master)
	p.ends = []*os.File{master, slave}
	p.serve.Go(func() { _ = boardsim.Serve(master, p.sims...) }) // ends with the pty
}

// interruptible is the same file, but Close ends a Read: pty.Open leaves one
// that blocks in the kernel, which waits as long as the port is held open.
func interruptible(t *testing.T, f *os.File) *os.File {
	t.Helper()
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

func (p *plug) out() {
	for _, f := range p.ends {
		_ = f.Close()
	}
	p.ends = nil
	p.serve.Wait()
}

// TestEachFamilyOnARealPort: through the serial package and a terminal of the
// kernel, with two boards where the family is one for a bus, an unplugged cable
// between.
func TestEachFamilyOnARealPort(t *testing.T) {
	for _, f := range board.Families() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			p := &plug{t: t, path: filepath.Join(t.TempDir(), "port")}
			port := board.NewPort(func() (board.Wire, error) {
				w, err := serial.Open(p.path, serial.Options{Baud: f.Baud, Parity: f.Parity})
				if err != nil {
					return nil, err
				}
				return w, nil
			}, board.PortOptions{Name: p.path})
			channels := 3
			if f.Sizes != nil {
				channels = f.Sizes[len(f.Sizes)-1]
			}
			var last []*board.Channel
			for i := range 2 {
				if i > 0 && !f.Bus {
					break
				}
				unit := f.Unit
				if i > 0 {
					unit = i + 1
				}
				sim, err := boardsim.New(f.Name, channels, unit, boardsim.Quirks{TooFast: f.Gap / 2, Loop: f.Bus})
				if err != nil {
					t.Fatal(err)
				}
				b, err := port.Add(board.Spec{
					Name: fmt.Sprint("b", i+1), Driver: f.Name, Channels: channels, Unit: unit,
					Map: board.Map{Function: 6, On: 1, Read: 3},
				})
				if err != nil {
					t.Fatal(err)
				}
				c, err := b.Channel(channels)
				if err != nil {
					t.Fatal(err)
				}
				p.sims, last = append(p.sims, sim), append(last, c)
			}
			p.in()
			defer p.out()
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			running.Go(func() { port.Run(ctx) })
			for i, c := range last {
				turnOn(t, f, p.sims[i], c, channels)
			}
			p.out()
			p.in()
			for i, c := range last {
				turnOff(t, p.sims[i], c, channels)
			}
		})
	}
}

// TestFamiliesShareARealPort: all families for a bus on one, each with a unit of
// its own.
func TestFamiliesShareARealPort(t *testing.T) {
	p := &plug{t: t, path: filepath.Join(t.TempDir(), "port")}
	port := board.NewPort(func() (board.Wire, error) {
		w, err := serial.Open(p.path, serial.Options{Baud: 9600, Parity: "none"})
		if err != nil {
			return nil, err
		}
		return w, nil
	}, board.PortOptions{Name: p.path})
	var kinds []board.Family
	var last []*board.Channel
	for _, f := range board.Families() {
		if !f.Bus {
			continue
		}
		unit := len(kinds) + 1
		if f.Unit != 1 {
			unit = f.Unit
		}
		sim, err := boardsim.New(f.Name, 4, unit, boardsim.Quirks{TooFast: f.Gap / 2})
		if err != nil {
			t.Fatal(err)
		}
		b, err := port.Add(board.Spec{Name: f.Name, Driver: f.Name, Channels: 4, Unit: unit, Map: board.Map{Function: 6, On: 1, Read: 3}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Channel(4)
		if err != nil {
			t.Fatal(err)
		}
		kinds, p.sims, last = append(kinds, f), append(p.sims, sim), append(last, c)
	}
	p.in()
	defer p.out()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { port.Run(ctx) })
	var all sync.WaitGroup
	for i, c := range last {
		all.Go(func() { turnOn(t, kinds[i], p.sims[i], c, 4) })
	}
	all.Wait()
	p.out()
	p.in()
	for i, c := range last {
		turnOff(t, p.sims[i], c, 4)
	}
}

func turnOn(t *testing.T, f board.Family, sim *boardsim.Board, c *board.Channel, n int) {
	t.Helper()
	proof, err := c.Set(true, "")
	if err != nil || f.Proof != board.Sent && proof == "" {
		t.Errorf("set: got %q %v", proof, err)
	}
	if proof, err = c.Prove(true); err != nil || proof != f.Proof || !sim.Active(n) {
		t.Errorf("prove: got %q %v, want %s; active %t", proof, err, f.Proof, sim.Active(n))
	}
	if f.Timer.Active && c.CanTime(true, time.Millisecond) && f.Timer.Step <= 100*time.Millisecond {
		if _, _, err := c.Timed(true, time.Millisecond, ""); err != nil {
			t.Errorf("timed: %v", err)
		}
		within(t, "the board brings it back", func() bool { return !sim.Active(n) })
		if _, err := c.Set(true, ""); err != nil {
			t.Errorf("set again: %v", err)
		}
	}
}

// turnOff works as soon as the port is back.
func turnOff(t *testing.T, sim *boardsim.Board, c *board.Channel, n int) {
	t.Helper()
	within(t, "the port is back", func() bool {
		_, err := c.Set(false, "")
		return err == nil
	})
	if proof, err := c.Prove(false); err != nil || sim.Active(n) {
		t.Errorf("prove: got %q %v; active %t", proof, err, sim.Active(n))
	}
}

// within waits, with patience, for what happens outside of this process' clock.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within 20s: %s", what)
		}
	}
}
