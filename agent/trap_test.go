package agent

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/push"
)

// Traps of hardware.md, section 7; docs/traps.md has the whole list.

// TestPowerEdgeWhileArmingIsNotLost: "power-fail: level re-read after arming". An
// edge right after the level was read, and before anybody watches for it, counts.
func TestPowerEdgeWhileArmingIsNotLost(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.openJournal()
		o := b.options
		o.Log, o.Link, o.Journal, o.Watchdog = slog.New(slog.DiscardHandler), b.link, b.journal, NewWatchdog()
		o.Box = b.openBox(o.Log, o.Watchdog)
		var reads atomic.Int64
		o.Lost = func() (bool, error) {
			if reads.Add(1) == 1 {
				b.agent.PowerEdge(true)
				return false, nil // as it was before the edge
			}
			return true, nil
		}
		b.runWith(o)
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantLog("signoff power-fail 1")
		if !b.agent.power.latched() {
			t.Error("no latch")
		}
		b.end()
	})
}

// TestPoweroffThatWasNotDoneIsOutlived: of "stuck-off guard (reboot after timeout
// if still alive with mains)" the agent has the half that needs no reboot. If it
// was asked for poweroff and nobody did it, or it did not come to its end, the
// box signs on again as soon as the power is back, and serves; it asks for
// nothing more. A box that was halted is none of its business.
func TestPoweroffThatWasNotDoneIsOutlived(t *testing.T) {
	for then, want := range map[string][]string{"poweroff": {"poweroff", "reboot"}, "reboot": {"reboot"}, "stay": nil} {
		bubble(t, func(b *bench) {
			powerBench(b)
			b.options.Power.Then = then
			var asked []string
			b.options.Request = func(action string) error {
				asked = append(asked, action)
				return nil
			}
			b.start()
			defer b.end()
			b.power(true)
			time.Sleep(b.options.Power.HoldUp / 2)
			b.power(false)
			time.Sleep(b.options.Power.RestoredAfter + time.Second)
			synctest.Wait()
			b.call("c1", "lamp on")
			b.wantState("c1", device.Done)
			if !slices.Equal(asked, want) {
				t.Errorf("then %s: asked for %q, want %q", then, asked, want)
			}
		})
	}
}

// TestLateAndDoubleCallsMoveNothing: "queued commands expire; duplicates dropped".
// What is too old when the service's yes has come is not done, and what comes
// twice is done once.
func TestLateAndDoubleCallsMoveNothing(t *testing.T) {
	bubble(t, func(b *bench) {
		b.link.slow = 2 * time.Second
		b.start()
		defer b.end()
		send := func(id string, life time.Duration) {
			b.link.calls <- push.Call{ContainerID: "c", MessageID: id, Data: "lamp pulse 1s", TTL: life}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		send("c1", time.Second)
		b.wantState("c1", device.Expired)
		send("c2", time.Minute)
		b.wantState("c2", device.Done)
		send("c2", time.Minute)
		b.wantLog("ack c1", "result c1 false", "ack c2", "edge lamp true, call c2", "edge lamp false, call c2", "result c2 true", "ack c2", "result c2 true")
	})
}
