package agent

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopSettlesReportsAndSignsOffLast(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		b.call("c1", "router cycle 30s")
		time.Sleep(time.Second)
		began := time.Now()
		b.end()
		if took := time.Since(began); took > stopBudget {
			t.Errorf("stop took %s, want at most %s", took, stopBudget)
		}
		b.wantLog("ack c1", "edge router true, call c1", "edge router false, stop", "result c1 false", "signoff shutdown 2")
		if ans := b.wantState("c1", "failed"); !strings.Contains(ans.Detail, "ended by stop") {
			t.Errorf("detail %q, want ended by stop", ans.Detail)
		}
	})
}

func TestStopIsBoundedWhenTheServiceHangs(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		b.call("c1", "router cycle 30s")
		b.link.setDown(true)
		b.link.hang = make(chan struct{})
		defer close(b.link.hang)
		began := time.Now()
		b.end()
		if took := time.Since(began); took > stopBudget+time.Second {
			t.Errorf("stop took %s, want at most %s", took, stopBudget)
		}
		if b.router.active {
			t.Error("the cycle was not settled")
		}
	})
}

func TestStopReasonComesFromTheBox(t *testing.T) {
	bubble(t, func(b *bench) {
		b.options.StopReason = func() string { return "update" }
		b.start()
		b.end()
		b.wantLog("signoff update 1")
	})
}

func TestPollNumbersRiseOverRestarts(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		first := b.agent.polls.Load()
		b.end()
		b.journal, b.ended = nil, make(chan struct{})
		b.start()
		defer b.end()
		if again := b.agent.polls.Load(); again <= first {
			t.Errorf("poll number %d after a restart, want above %d", again, first)
		}
	})
}

func TestStateReportIsPaced(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		time.Sleep(5 * time.Second)
		for range 20 {
			b.agent.Fault("test", "shaky")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		var last time.Time
		b.link.mu.Lock()
		defer b.link.mu.Unlock()
		for _, s := range b.link.said {
			text, is := strings.CutPrefix(s, "state at ")
			if !is {
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				t.Fatal(err)
			}
			if gap := at.Sub(last); gap < stateSpacing {
				t.Errorf("state reports %s apart, want at least %s", gap, stateSpacing)
			}
			last = at
		}
		if time.Since(last) > 5*time.Second {
			t.Error("the last of 20 changes was not reported")
		}
	})
}

func TestBrokenStateDirLeavesPlainMoves(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("as root: the dir is made unusable by a file in its place")
	}
	bubble(t, func(b *bench) {
		b.dir += "/file"
		if err := os.WriteFile(b.dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.start()
		defer b.end()
		b.call("c1", "lamp pulse 1s")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if ans := b.wantState("c1", "refused"); !strings.Contains(ans.Detail, "journal") {
			t.Errorf("detail %q, want the journal blamed", ans.Detail)
		}
		b.call("c2", "lamp on")
		b.call("c3", "lamp off")
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c2", "done")
		b.wantState("c3", "done")
		if faults := b.agent.allFaults(); len(faults) == 0 {
			t.Error("no fault is reported for a broken state dir")
		}
	})
}
