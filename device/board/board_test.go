package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script is a wire with recorded bytes: what is written must be the next line,
// and then its answer can be read. What is left over is a failure.
type script struct {
	t      *testing.T
	mu     sync.Mutex
	lines  []exchange
	unread []byte
	at     []time.Time // of the writes
	fail   error       // of everything
	closed bool
}

type exchange struct{ write, answer string }

func (s *script) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = nil
	return s.fail
}

func (s *script) Write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.at = append(s.at, time.Now())
	got := fmt.Sprintf("%X", p)
	if len(s.lines) == 0 || s.lines[0].write != got {
		s.t.Errorf("wrote %s, want %+v", got, s.lines)
		return errors.New("not in the script")
	}
	s.unread = append(s.unread, s.lines[0].answer...)
	s.lines = s.lines[1:]
	return nil
}

// ReadUntil gives three bytes at most, to come back for more.
func (s *script) ReadUntil(p []byte, deadline time.Time) (int, error) {
	s.mu.Lock()
	n := copy(p[:3], s.unread)
	s.unread = s.unread[n:]
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		time.Sleep(time.Until(deadline))
		return 0, fmt.Errorf("fake: %w", os.ErrDeadlineExceeded)
	}
	return n, nil
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *script) vanish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = errors.New("input/output error")
}

// play runs a board of two channels on wires that are opened one after the other.
func play(t *testing.T, o Options, test func(b *Board, one, two *Channel), wires ...*script) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		b, err := New("lcus", 2, func() (Wire, error) {
			if opened == len(wires) {
				return nil, errors.New("no such port")
			}
			opened++
			wires[opened-1].t = t
			return wires[opened-1], nil
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { b.Run(ctx); close(over) }()
		synctest.Wait()
		one, _ := b.Channel(1)
		two, _ := b.Channel(2)
		test(b, one, two)
		cancel()
		<-over
		for i, w := range wires {
			if len(w.lines) > 0 || i < opened && !w.closed {
				t.Errorf("wire %d: left over %+v, closed %t", i, w.lines, w.closed)
			}
		}
	})
}

const (
	on1, off1, on2, off2, ask = "A00101A2", "A00100A1", "A00201A3", "A00200A2", "FF"

	bothOff = "CH1: OFF\r\nCH2: OFF\r\n"
	oneOn   = "CH1: ON \r\nCH2: OFF\r\n"
)

func wantProof(t *testing.T, what, got string, err error, want string) {
	t.Helper()
	if got != want || err != nil {
		t.Errorf("%s: got %q %v, want %q", what, got, err, want)
	}
}

func TestNothingIsSentBeforeTheFirstCommand(t *testing.T) {
	play(t, Options{}, func(_ *Board, one, _ *Channel) {
		time.Sleep(time.Hour)
		if _, known, err := one.Active(); known || err != nil {
			t.Errorf("active: known %t, %v; want it unknown", known, err)
		}
	}, &script{})
}

func TestSetIsProvedAfterwards(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {ask, bothOff}, {ask, oneOn}}} // the first answer is the state of before
	play(t, Options{}, func(_ *Board, one, _ *Channel) {
		start := time.Now()
		proof, err := one.Set(true, "call c1")
		wantProof(t, "set", proof, err, "sent")
		if d := time.Since(start); d != 0 {
			t.Errorf("set took %s, want it at once", d)
		}
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, "readback")
		if active, known, err := one.Active(); !active || !known || err != nil {
			t.Errorf("active: got %t %t %v", active, known, err)
		}
	}, wire)
}

func TestFramesKeepTheirGap(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {on2, ""}, {ask, bothOff}, {ask, "CH1: ON\r\nCH2: ON\r\n"}, {off1, ""}}}
	play(t, Options{}, func(_ *Board, one, two *Channel) {
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = one.Set(true, "") })
		synctest.Wait()
		wg.Go(func() { _, _ = two.Set(true, "") })
		wg.Wait()
		_, _ = two.Prove(true)
		_, _ = one.Set(false, "")
		for i := 1; i < len(wire.at); i++ {
			if gap := wire.at[i].Sub(wire.at[i-1]); gap < 100*time.Millisecond {
				t.Errorf("frame %d came %s after the one before, want 100ms", i, gap)
			}
		}
	}, wire)
}

func TestASetGoesBeforeAQuestion(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {on2, ""}, {off1, ""}, {ask, bothOff}, {ask, "CH1: OFF\r\nCH2: ON\r\n"}}}
	play(t, Options{}, func(_ *Board, one, two *Channel) {
		_, _ = one.Set(true, "")
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = two.Set(true, "") }) // waits for the gap
		synctest.Wait()
		wg.Go(func() { _, _, _, _ = two.Read() })
		synctest.Wait()
		wg.Go(func() { _, _ = one.Set(false, "") })
		wg.Wait()
	}, wire)
}

func TestABoardThatNeverAnswersIsAskedOnce(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {ask, ""}, {ask, "garbage"}, {off1, ""}, {on2, ""}}}
	play(t, Options{}, func(_ *Board, one, two *Channel) {
		_, _ = one.Set(true, "")
		proof, err := one.Prove(true)
		wantProof(t, "prove", proof, err, "sent")
		_, _ = one.Set(false, "")
		proof, err = one.Prove(false)
		wantProof(t, "prove again", proof, err, "sent")
		if active, known, proof, err := one.Read(); active || !known || proof != "sent" || err != nil {
			t.Errorf("read: got %t %t %s %v, want what it was told", active, known, proof, err)
		}
		if _, known, _, err := two.Read(); known || err != nil {
			t.Errorf("read of a channel never told: known %t, %v", known, err)
		}
		_, _ = two.Set(true, "")
	}, wire)
}

func TestAStuckRelayIsToldOnceMore(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {ask, bothOff}, {ask, bothOff}, {on1, ""}, {ask, bothOff}, {ask, bothOff},
		{on1, ""}, {ask, bothOff}, {ask, bothOff}, {on1, ""}, {ask, oneOn}, {ask, oneOn}}}
	play(t, Options{Name: "usb1"}, func(_ *Board, one, _ *Channel) {
		_, _ = one.Set(true, "")
		_, err := one.Prove(true)
		fault, ok := errors.AsType[*Error](err)
		if !ok || fault.Uncertain() || !strings.Contains(err.Error(), "board usb1: channel 1 is stuck") {
			t.Errorf("prove: got %v, want it stuck", err)
		}
		if active, known, _ := one.Active(); active || !known {
			t.Errorf("active %t, known %t: want what the board shows", active, known)
		}
		_, _ = one.Set(true, "")
		proof, err := one.Prove(true)
		wantProof(t, "prove", proof, err, "readback")
	}, wire)
}

func TestAVanishedBoardIsOpenedAgain(t *testing.T) {
	first := &script{lines: []exchange{{on1, ""}}}
	second := &script{lines: []exchange{{off1, ""}, {ask, bothOff}, {ask, bothOff}}}
	play(t, Options{}, func(_ *Board, one, two *Channel) {
		_, _ = one.Set(true, "")
		first.vanish()
		_, err := one.Prove(true)
		if fault, ok := errors.AsType[*Error](err); !ok || !fault.Uncertain() {
			t.Errorf("prove: got %v, want an uncertain outcome", err)
		}
		if _, known, err := one.Active(); known || err == nil {
			t.Errorf("active: known %t, %v; want it gone", known, err)
		}
		<-one.Changes()
		<-two.Changes()
		_, err = one.Set(false, "")
		if fault, ok := errors.AsType[*Error](err); !ok || fault.Uncertain() {
			t.Errorf("set in the back-off: got %v, want that it did not move", err)
		}
		time.Sleep(time.Second)
		<-one.Changes()
		_, err = one.Prove(false)
		if fault, ok := errors.AsType[*Error](err); !ok || !fault.Uncertain() {
			t.Errorf("prove on the new connection: got %v, want an uncertain outcome", err)
		}
		_, _ = one.Set(false, "")
		proof, err := one.Prove(false)
		wantProof(t, "prove", proof, err, "readback")
	}, first, second)
}

func TestAnIdleBoardThatVanishesIsNoticed(t *testing.T) {
	first := &script{}
	play(t, Options{}, func(_ *Board, one, _ *Channel) {
		for len(one.news) > 0 {
			<-one.news
		}
		first.vanish()
		time.Sleep(lookEvery + time.Millisecond)
		synctest.Wait()
		<-one.Changes()
		if _, _, err := one.Active(); err == nil {
			t.Error("active: no error, want it gone")
		}
		time.Sleep(time.Hour) // the port comes not back: the back-off is capped, nothing spins
	}, first)
}

func TestAWriteThatFailsIsUncertain(t *testing.T) {
	wire := &failing{}
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("lcus", 1, func() (Wire, error) { return wire, nil }, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		one, _ := b.Channel(1)
		_, err := one.Set(true, "")
		if fault, ok := errors.AsType[*Error](err); !ok || !fault.Uncertain() {
			t.Errorf("got %v, want an uncertain outcome", err)
		}
	})
}

type failing struct{}

func (*failing) Flush() error                             { return nil }
func (*failing) Write([]byte) error                       { return errors.New("half written") }
func (*failing) ReadUntil([]byte, time.Time) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestWhatAConnectedBoardIsTakenFor(t *testing.T) {
	for name, test := range map[string]struct {
		active, known bool
	}{Adopt: {}, Unknown: {}, Safe: {true, true}} {
		play(t, Options{AtConnect: name, Safe: []bool{true, false}}, func(_ *Board, one, _ *Channel) {
			if active, known, err := one.Active(); active != test.active || known != test.known || err != nil {
				t.Errorf("%s: got %t %t %v, want %+v", name, active, known, err, test)
			}
		}, &script{})
	}
}

func TestReadAdoptsWhatTheBoardSays(t *testing.T) {
	play(t, Options{}, func(_ *Board, one, two *Channel) {
		for len(two.news) > 0 {
			<-two.news
		}
		if active, known, proof, err := one.Read(); !active || !known || proof != "readback" || err != nil {
			t.Errorf("got %t %t %s %v, want on, read back", active, known, proof, err)
		}
		<-two.Changes() // learned along with it
		if active, known, _ := two.Active(); active || !known {
			t.Errorf("the other: got %t %t, want off", active, known)
		}
	}, &script{lines: []exchange{{ask, oneOn}, {ask, oneOn}}})
}

func TestAStandInProvesNothing(t *testing.T) {
	play(t, Options{Sim: true}, func(_ *Board, one, _ *Channel) {
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, "sim")
		proof, err = one.Prove(true)
		wantProof(t, "prove", proof, err, "sim")
	}, &script{lines: []exchange{{on1, ""}, {ask, oneOn}, {ask, oneOn}}})
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		driver   string
		channels int
		want     string
	}{{"lcus", 0, "channels 0: want 1 to 8"}, {"lcus", 9, "channels 9: want 1 to 8"}, {"k8090", 8, "want lcus"}} {
		if _, err := New(test.driver, test.channels, nil, Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %d: got %v, want %q", test.driver, test.channels, err, test.want)
		}
	}
	b, _ := New("lcus", 4, nil, Options{Name: "usb1"})
	if _, err := b.Channel(5); err == nil || err.Error() != "board usb1: channel 5: want 1 to 4" {
		t.Errorf("channel 5: got %v", err)
	}
}

func TestAStoppedBoardAnswers(t *testing.T) {
	play(t, Options{}, func(*Board, *Channel, *Channel) {}, &script{})
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("lcus", 1, nil, Options{})
		one, _ := b.Channel(1)
		if _, err := one.Set(true, ""); err == nil || !strings.Contains(err.Error(), "no turn at the board within 8s") {
			t.Errorf("set without Run: got %v", err)
		}
		close(b.stopped)
		if _, err := one.Set(true, ""); err == nil || !strings.Contains(err.Error(), "stopped") {
			t.Errorf("set after Run: got %v", err)
		}
	})
}
