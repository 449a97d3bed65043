package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
)

// A start does not wait for ever for a board that hangs. What it could not even
// try stays open in the journal: after one more crash nothing else knows of it.
func TestSettlingThatHangsStaysOpen(t *testing.T) {
	bubble(t, func(b *bench) {
		b.options.Last.SameBoot = true
		b.began("c1", "c", journal.Begun{Target: "lamp", Verb: "pulse", Kind: device.KindPulse, BootID: "boot-1"})
		b.killed()
		b.lamp.active, b.lamp.block = true, make(chan struct{})
		b.start()
		time.Sleep(2 * settleLimit)
		synctest.Wait()
		b.wantState("c1", "unknown") // the person hears of it at once
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateStarted {
			t.Errorf("call is %s in the journal while its relay hangs, want it open", e.State)
		}
		close(b.lamp.block)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateFinished || b.lamp.active {
			t.Errorf("call is %s, relay active: %t; want both at their end", e.State, b.lamp.active)
		}
		b.end()
	})
}
