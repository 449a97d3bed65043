package board

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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
	play(t, Spec{}, func(_ *Board, one, _ *Channel) {
		time.Sleep(time.Hour)
		if _, known, err := one.Active(); known || err != nil {
			t.Errorf("active: known %t, %v; want it unknown", known, err)
		}
	}, &script{})
}

func TestSetIsProvedAfterwards(t *testing.T) {
	wire := &script{lines: []exchange{{on1, ""}, {ask, bothOff}, {ask, oneOn}}} // the first answer is the state of before
	play(t, Spec{}, func(_ *Board, one, _ *Channel) {
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
	play(t, Spec{}, func(_ *Board, one, two *Channel) {
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
	play(t, Spec{}, func(_ *Board, one, two *Channel) {
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
	play(t, Spec{}, func(_ *Board, one, two *Channel) {
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
	play(t, Spec{Name: "usb1"}, func(_ *Board, one, _ *Channel) {
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
	play(t, Spec{}, func(_ *Board, one, two *Channel) {
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
	play(t, Spec{}, func(_ *Board, one, _ *Channel) {
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
		p := NewPort(func() (Wire, error) { return wire, nil }, PortOptions{})
		b, _ := p.Add(Spec{Driver: "lcus", Channels: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go p.Run(ctx)
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
		play(t, Spec{AtConnect: name, Safe: []bool{true, false}}, func(_ *Board, one, _ *Channel) {
			if active, known, err := one.Active(); active != test.active || known != test.known || err != nil {
				t.Errorf("%s: got %t %t %v, want %+v", name, active, known, err, test)
			}
		}, &script{})
	}
}

func TestReadAdoptsWhatTheBoardSays(t *testing.T) {
	play(t, Spec{}, func(_ *Board, one, two *Channel) {
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

func TestAddNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{Driver: "lcus"}, "board x: channels 0: want one of [1 2 4 8]"},
		{Spec{Driver: "lcus", Channels: 9}, "channels 9: want one of [1 2 4 8]"},
		{Spec{Driver: "lcu", Channels: 8}, "board driver \"lcu\": want lcus, "},
		{Spec{Driver: "waveshare", Channels: 8, Unit: 256}, "unit 256: want 1 to 255"},
		{Spec{Driver: "waveshare", Channels: 8, Unit: -1}, "unit -1: want 1 to 255"}, // 0 would be the broadcast
	} {
		test.spec.Name = "x"
		if _, err := NewPort(nil, PortOptions{}).Add(test.spec); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.spec, err, test.want)
		}
	}
	b, _ := NewPort(nil, PortOptions{}).Add(Spec{Name: "usb1", Driver: "lcus", Channels: 4})
	if _, err := b.Channel(5); err == nil || err.Error() != "board usb1: channel 5: want 1 to 4" {
		t.Errorf("channel 5: got %v", err)
	}
}

func TestAStoppedBoardAnswers(t *testing.T) {
	play(t, Spec{}, func(*Board, *Channel, *Channel) {}, &script{})
	synctest.Test(t, func(t *testing.T) {
		p := NewPort(nil, PortOptions{})
		b, _ := p.Add(Spec{Driver: "lcus", Channels: 1})
		one, _ := b.Channel(1)
		if _, err := one.Set(true, ""); err == nil || !strings.Contains(err.Error(), "no turn at the board within 8s") {
			t.Errorf("set without Run: got %v", err)
		}
		close(p.stopped)
		if _, err := one.Set(true, ""); err == nil || !strings.Contains(err.Error(), "stopped") {
			t.Errorf("set after Run: got %v", err)
		}
	})
}
