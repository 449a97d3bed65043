package agent

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board"
	"longarm/device/board/boardsim"
)

// Two targets work in parallel while a third is stuck on a dead port: the stuck
// one fails in its own limit, the watchdog stays fed, and its board is shown as
// one that cannot be used.
func TestADeadPortHoldsUpNobody(t *testing.T) {
	for _, wire := range []deadWire{{"takes no byte", false, 2 * time.Second}, {"never answers", true, 4 * time.Second}} {
		t.Run(wire.name, func(t *testing.T) {
			bubble(t, func(t *bench) { t.deadPort(wire) })
		})
	}
}

func (b *bench) deadPort(wire deadWire) {
	fed := 0
	b.feedInto(&fed)
	b.spec.Outputs = append(b.spec.Outputs,
		device.OutputSpec{Name: "pump", Board: "good", Channel: 1}, device.OutputSpec{Name: "siren", Board: "dead", Channel: 1})
	stop := b.startOnBoards(wire)
	defer stop()

	began := time.Now()
	b.call("c1", "siren on")
	b.call("c2", "pump pulse 1s")
	b.call("c3", "router cycle 2s")
	time.Sleep(2*time.Second - time.Since(began))
	synctest.Wait()
	b.wantState("c2", "done")
	if ans := b.wantState("c3", "done"); ans.TookMS != 2000 {
		b.t.Errorf("the router's cycle took %d ms beside a dead port, want 2000", ans.TookMS)
	}
	time.Sleep(wire.limit - time.Since(began) + time.Second)
	synctest.Wait()
	ans := b.link.answer(b.t, "c1")
	if took := time.Duration(ans.TookMS) * time.Millisecond; ans.State != "failed" && ans.State != "unknown" || took > wire.limit+500*time.Millisecond {
		b.t.Errorf("the stuck one answers %+v, want it failed or unknown within %s", ans, wire.limit)
	}
	b.wantOffline("siren", "board dead: ")

	fed = 0
	for i, text := range []string{"siren off", "siren read", "siren pulse 1s", "siren off", "siren on 5m", "siren off"} {
		id := "d" + string(rune('0'+i))
		b.call(id, text)
		time.Sleep(time.Minute)
		synctest.Wait()
		if ans := b.link.answer(b.t, id); ans.State == "" || ans.State == "done" {
			b.t.Errorf("%s: got %+v, want an answer that it is not done", text, ans)
		}
		b.wantOffline("siren", "board dead: ")
	}
	if fed < 35 || fed > 37 {
		b.t.Errorf("fed %d times in six minutes of a dead port, want 36", fed)
	}
	if who, _ := b.journal.Get(factStarved); who != "" {
		b.t.Errorf("the watchdog was starved by %q", who)
	}
	b.call("e1", "pump on")
	time.Sleep(time.Second)
	synctest.Wait()
	b.wantState("e1", "done")
}

// wantOffline: the service is told that the target's board cannot be used, and
// why, and that nobody knows its level; the others have nothing to say.
func (b *bench) wantOffline(name, why string) {
	b.t.Helper()
	for _, s := range b.agent.report().Targets {
		if s.Name == name != strings.Contains(s.Detail, why) || s.Name == name && s.Load != "unknown" {
			b.t.Errorf("report: got %+v, want %s unknown, for %q", s, name, why)
		}
	}
}

// startOnBoards starts the agent on the bench's relays and on two boards: a
// simulated one, and one behind the dead wire.
func (b *bench) startOnBoards(wire deadWire) (stop func()) {
	b.openJournal()
	watchdog := NewWatchdog()
	sim, err := boardsim.New("waveshare", 8, 1, boardsim.Quirks{})
	if err != nil {
		b.t.Fatal(err)
	}
	cable := boardsim.NewCable(sim)
	hw := &boardHardware{fakeHardware: fakeHardware{lines: map[string]*fakeLine{"router": b.router, "lamp": b.lamp}}, boards: map[string]*board.Board{}}
	ctx, endBoards := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for name, open := range map[string]func() (board.Wire, error){
		"good": func() (board.Wire, error) { return cable.Open() },
		"dead": func() (board.Wire, error) { return wire, nil },
	} {
		port := board.NewPort(open, board.PortOptions{Name: name, Guard: watchdog.Guard})
		if hw.boards[name], err = port.Add(board.Spec{Name: name, Driver: "waveshare", Channels: 8}); err != nil {
			b.t.Fatal(err)
		}
		running.Go(func() { port.Run(ctx) })
	}
	o := b.options
	o.Log, o.Link, o.Journal, o.Watchdog = slog.New(slog.DiscardHandler), b.link, b.journal, watchdog
	o.Box = device.New(b.spec, hw, device.Options{Guard: watchdog.Guard, LeaseChanged: b.leaseChanged})
	if errs := o.Box.Open(b.t.Context()); len(errs) > 0 {
		b.t.Fatal(errs)
	}
	b.runWith(o)
	return func() {
		b.end()
		endBoards()
		running.Wait()
	}
}

// runWith runs an agent of these options until end.
func (b *bench) runWith(o Options) {
	b.agent = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	go func() {
		defer close(b.ended)
		if err := b.agent.Run(ctx); err != nil {
			b.t.Error("agent ended with", err)
		}
	}()
	synctest.Wait()
}

// boardHardware is the bench's relays and channels of boards.
type boardHardware struct {
	fakeHardware
	boards map[string]*board.Board
}

func (h *boardHardware) OpenOutput(s device.OutputSpec) (device.Line, error) {
	if s.Board == "" {
		return h.fakeHardware.OpenOutput(s)
	}
	if b := h.boards[s.Board]; b != nil {
		return b.Channel(s.Channel)
	}
	return nil, errors.New("no such board")
}

// deadWire is a port that can be opened and is of no use. A write that is not
// taken ends after 2 s, as that of hw/serial.
type deadWire struct {
	name  string
	takes bool
	limit time.Duration // of one command
}

func (w deadWire) Flush() error { return nil }

func (w deadWire) Write([]byte) error {
	if w.takes {
		return nil
	}
	time.Sleep(2 * time.Second)
	return os.ErrDeadlineExceeded
}

func (w deadWire) ReadUntil(_ []byte, deadline time.Time) (int, error) {
	time.Sleep(time.Until(deadline))
	return 0, os.ErrDeadlineExceeded
}
