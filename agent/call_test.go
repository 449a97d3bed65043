package agent

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/push"
)

func TestCallIsAcknowledgedBeforeItMovesAndAnsweredAfter(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "router cycle 10s")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		b.wantLog("ack c1", "edge router true, call c1", "edge router false, call c1", "result c1 true")
		ans := b.wantState("c1", "done")
		if len(ans.Edges) != 2 || ans.Edges[1].AtMS < 10000 || ans.Edges[1].AtMS > 10100 {
			t.Errorf("edges %+v, want one at 0 and one at 10 s", ans.Edges)
		}
		if e, _ := b.journal.Lookup("c1"); !e.Reported {
			t.Error("the journal does not know that the result was taken")
		}
	})
}

func TestLeaseIsRenewedEvery15s(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "router cycle 40s")
		time.Sleep(41 * time.Second)
		synctest.Wait()
		acks := 0
		for _, s := range b.link.log() {
			if s == "ack c1" {
				acks++
			}
		}
		if acks != 3 {
			t.Errorf("got %d acknowledgements in 40 s of work, want 3 (0, 15, 30 s)", acks)
		}
	})
}

func TestNothingMovesWithoutTheServicesYes(t *testing.T) {
	for name, c := range map[string]struct {
		ack   func(string) (push.Reply, error)
		slow  time.Duration
		state string
	}{
		"the service says no":        {func(string) (push.Reply, error) { return push.Reply{Message: "expired"}, nil }, 0, "expired"},
		"the acknowledgement fails":  {func(string) (push.Reply, error) { return push.Reply{}, errors.New("reset") }, 0, "failed"},
		"no reply for ten seconds":   {nil, 11 * time.Second, "failed"},
		"the reply comes after life": {nil, 9 * time.Second, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				b.link.ack, b.link.slow = c.ack, c.slow
				b.start()
				defer b.end()
				b.link.calls <- push.Call{ContainerID: "c", MessageID: "c1", Data: "router cycle 10s", TTL: 8 * time.Second}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				b.wantState("c1", c.state)
				for _, s := range b.link.log() {
					if strings.HasPrefix(s, "edge") {
						t.Errorf("moved: %s", s)
					}
				}
			})
		})
	}
}

func TestDuplicates(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "router cycle 10s")
		b.call("C1", "router cycle 10s") // while it runs: acknowledged only
		time.Sleep(11 * time.Second)
		synctest.Wait()
		b.call("c1", "router cycle 10s") // finished: the stored result
		b.call("c1", "router cycle 20s") // another call under the same id
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantLog("ack c1", "edge router true, call c1", "ack C1", "edge router false, call c1",
			"result c1 true", "ack c1", "result c1 true", "ack c1", "result c1 false")
		if ans := b.link.answer(t, "c1"); !strings.Contains(ans.Detail, "id reused") {
			t.Errorf("detail %q, want id reused", ans.Detail)
		}
	})
}

func TestWordsThatAreNoCall(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		for i, data := range []string{"", "router", "router explode", "boiler on", "router cycle -1s", "router cycle 10 years",
			"router cycle inf", "router cycle 0s", "router on\x00", "router \x1b[31mon", `{"target":"router"}`, "agent dance"} {
			id := "c" + string(rune('a'+i))
			b.call(id, data)
			time.Sleep(time.Second)
			synctest.Wait()
			if ans := b.wantState(id, "refused"); len(ans.Detail) < 10 {
				t.Errorf("%q: detail %q is no sentence", data, ans.Detail)
			}
		}
		for _, s := range b.link.log() {
			if strings.HasPrefix(s, "edge") {
				t.Errorf("moved: %s", s)
			}
		}
	})
}

func TestBusyTargetAndMoveTowardsSafe(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "lamp pulse 20s")
		b.call("c2", "lamp pulse 1s")
		b.call("c3", "lamp off")
		time.Sleep(time.Second)
		synctest.Wait()
		if ans := b.wantState("c2", "refused"); !strings.HasPrefix(ans.Detail, "busy") {
			t.Errorf("detail %q, want busy", ans.Detail)
		}
		b.wantState("c3", "done")
		if ans := b.wantState("c1", "failed"); !strings.Contains(ans.Detail, "ended by call c3") {
			t.Errorf("detail %q, want ended by call c3", ans.Detail)
		}
	})
}

func TestResultOutlivesAnOutage(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "router cycle 10s")
		b.link.setDown(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if ans := b.link.answer(t, "c1"); ans.State != "" {
			t.Fatalf("result arrived while the service was away: %+v", ans)
		}
		if b.router.active {
			t.Error("the cycle did not end while the service was away")
		}
		b.link.setDown(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.wantState("c1", "done")
	})
}

func TestCrashIsSettledAnsweredUnknownAndNotRepeated(t *testing.T) {
	bubble(t, func(b *bench) {
		b.openJournal()
		for _, id := range []string{"c1", "c2"} {
			if _, _, err := b.journal.Received(journal.Received{ID: id, Container: "c", Data: "router cycle 10s"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.journal.Started("c1", journal.Begun{Target: "router", Verb: "cycle", Kind: "cycle", BootID: "boot-1"}); err != nil {
			t.Fatal(err)
		}
		if err := b.journal.Close(); err != nil { // as a kill leaves it
			t.Fatal(err)
		}
		b.openJournal()
		b.router.active = true // the load is off in mid cycle
		b.start()
		defer b.end()
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c1", "unknown")
		if ans := b.wantState("c2", "failed"); !strings.Contains(ans.Detail, "not started") {
			t.Errorf("detail %q, want not started", ans.Detail)
		}
		b.call("c1", "router cycle 10s") // delivered again: nothing moves
		time.Sleep(time.Minute)
		synctest.Wait()
		edges := 0
		for _, s := range b.link.log() {
			if strings.HasPrefix(s, "edge") {
				edges++
			}
		}
		if edges != 1 || b.router.active {
			t.Errorf("%d edges, active %v; want the one that settles", edges, b.router.active)
		}
	})
}
