package board

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// clogged is a cable whose port can be opened and takes no byte while it is so.
type clogged struct {
	*boardsim.End
	clog *bool // changed while nothing is at work
}

func (w clogged) Write(p []byte) error {
	if *w.clog {
		time.Sleep(2 * time.Second)
		return os.ErrDeadlineExceeded
	}
	return w.End.Write(p)
}

// A port that takes no byte is gone although it can be opened again, and stays
// so until it takes one: else its board would be shown as one that only was not
// asked yet. If it is unplugged and put in again, that is another one.
func TestAPortThatTakesNoByteIsGone(t *testing.T) {
	for _, driver := range []string{"lcus", "waveshare"} {
		t.Run(driver, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, err := boardsim.New(driver, 8, 1, boardsim.Quirks{})
				if err != nil {
					t.Fatal(err)
				}
				clog, cable := true, boardsim.NewCable(sim)
				port := NewPort(func() (Wire, error) {
					e, err := cable.Open()
					return clogged{e, &clog}, err
				}, PortOptions{})
				b, err := port.Add(Spec{Name: "b1", Driver: driver, Channels: 8})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { port.Run(ctx) })
				synctest.Wait()
				c, _ := b.Channel(1)
				_, _, err = c.Active()
				if err != nil {
					t.Errorf("before it is used: %v", err)
				}
				holdClogged(t, c, &clog, cable)
				stop()
				running.Wait()
			})
		})
	}
}

func holdClogged(t *testing.T, c *Channel, clog *bool, cable *boardsim.Cable) {
	for range 2 {
		_, err := c.Set(true, "")
		if err == nil || !strings.Contains(err.Error(), "timeout") {
			t.Errorf("set: got %v, want that no byte was taken", err)
		}
		time.Sleep(time.Minute)
		if _, known, err := c.Active(); known || err == nil {
			t.Errorf("a minute later: got known %t, %v; want it gone", known, err)
		}
	}
	*clog = false
	if _, err := c.Set(true, ""); err != nil {
		t.Errorf("set when it takes bytes: %v", err)
	}
	if active, known, err := c.Active(); !active || !known || err != nil {
		t.Errorf("afterwards: got %t, known %t, %v", active, known, err)
	}
	*clog = true
	_, _ = c.Set(false, "")
	cable.Unplug()
	time.Sleep(time.Minute)
	*clog = false
	cable.Plug()
	time.Sleep(time.Minute)
	if _, known, err := c.Active(); known || err != nil {
		t.Errorf("after it was put in again: got known %t, %v", known, err)
	}
}
