package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
)

// half writes a composed call into the journal as a kill in the middle leaves
// it: lamp and router on their way.
func (b *bench) half(boot string) {
	b.t.Helper()
	b.openJournal()
	if _, _, err := b.journal.Received(journal.Received{ID: "c1", Container: "c", Data: "rack cycle 10s"}); err != nil {
		b.t.Fatal(err)
	}
	for _, target := range []string{"lamp", "router"} {
		if err := b.journal.Started("c1", journal.Begun{Target: target, Verb: "cycle", Kind: device.KindCycle, BootID: boot}); err != nil {
			b.t.Fatal(err)
		}
	}
	b.killed()
	b.options.Last.SameBoot = boot == "boot-1"
	b.lamp.active, b.router.active = false, true // both loads are off
}

// TestComposedCallIsSettledWhole: every member of a group that a crash
// interrupted is settled, and the call is answered once, by its own name.
func TestComposedCallIsSettledWhole(t *testing.T) {
	bubble(t, func(b *bench) {
		b.half("boot-1")
		b.start()
		time.Sleep(time.Second)
		synctest.Wait()
		if !b.lamp.active || b.router.active {
			t.Errorf("lamp active %v, router active %v; want both loads on", b.lamp.active, b.router.active)
		}
		ans := b.wantState("c1", "unknown")
		if ans.Target != "rack" || ans.Verb != "cycle" || b.link.count("result") != 1 {
			t.Errorf("answered %+v, %d times", ans, b.link.count("result"))
		}
		b.end()
	})
}

// TestComposedCallStaysOpenWhileAMemberIsNotSettled: it is answered when the
// last member is where the settling wants it.
func TestComposedCallStaysOpenWhileAMemberIsNotSettled(t *testing.T) {
	bubble(t, func(b *bench) {
		b.half("boot-1")
		b.lamp.broken.Store(true)
		b.start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if b.router.active {
			t.Error("router not settled beside a lamp that fails")
		}
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateStarted {
			t.Errorf("call is %s in the journal while the lamp is not settled", e.State)
		}
		b.lamp.broken.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if e, _ := b.journal.Lookup("c1"); !b.lamp.active || e.State != journal.StateFinished {
			t.Errorf("lamp active %v, call %s; want settled and finished", b.lamp.active, e.State)
		}
		b.wantState("c1", "unknown")
		b.end()
	})
}

// TestGroupCallIsJournaledWhole: the journal knows of each member while it runs.
func TestGroupCallIsJournaledWhole(t *testing.T) {
	bubble(t, func(b *bench) {
		b.spec.Groups = []device.GroupSpec{{Name: "rack", Members: []string{"lamp", "router"}, Delay: time.Second}}
		b.start()
		b.call("c1", "rack on")
		b.call("c2", "rack cycle 10s")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		e, _ := b.journal.Lookup("c2")
		if len(e.Begun) != 2 || e.Begun[0].Kind != device.KindCycle || e.Begun[1].Kind != device.KindCycle {
			t.Errorf("journaled %+v, want a cycle of each member", e.Begun)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.wantState("c1", "done")
		if ans := b.wantState("c2", "done"); ans.Target != "rack" || len(ans.Edges) != 4 {
			t.Errorf("got %+v", ans)
		}
		b.end()
	})
}
