package agent

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// run notes one run that began at boot time at, and how it ended.
func (b *bench) run(bootID string, at time.Duration, how string) (last LastRun, loop bool) {
	b.t.Helper()
	last = Last(b.journal, bootID)
	loop, err := MarkRunning(b.journal, last, bootID, at)
	if err != nil {
		b.t.Fatal(err)
	}
	if how != "" {
		if err := MarkStopped(b.journal, bootID, how); err != nil {
			b.t.Fatal(err)
		}
	}
	return last, loop
}

func TestCauseOfTheLastRun(t *testing.T) {
	for want, c := range map[string]struct {
		facts map[string]string
		boot  string
		crash bool
	}{
		"":                             {nil, "b1", false},
		"crash":                        {map[string]string{factRunning: "b1"}, "b1", true},
		"watchdog: poll":               {map[string]string{factRunning: "b1", factStarved: "poll"}, "b1", true},
		"box restarted without a word": {map[string]string{factRunning: "b1", factStarved: "poll"}, "b2", false},
		"power lost":                   {map[string]string{factRunning: "b1", factPower: "lost"}, "b2", false},
		"update":                       {map[string]string{factRunning: "b1 stopped: update", factPower: "lost"}, "b2", false},
	} {
		b := newBench(t)
		b.openJournal()
		for k, v := range c.facts {
			if err := b.journal.Set(k, v); err != nil {
				t.Fatal(err)
			}
		}
		if got := Last(b.journal, c.boot); got.Cause != want || got.Crashed != c.crash {
			t.Errorf("got %+v, want %q, crashed %v", got, want, c.crash)
		}
		if c.facts[factPower] != "" { // told once: the next crash is a crash
			b.run(c.boot, 0, "")
			if got := Last(b.journal, "b3"); got.Cause != "box restarted without a word" {
				t.Errorf("power-fail told twice: %q", got.Cause)
			}
		}
	}
}

func TestCrashIsToldByItsOwnCause(t *testing.T) {
	b := newBench(t)
	b.openJournal()
	b.run("b1", 0, "")
	for _, set := range [][2]string{{factPower, "lost"}, {factStarved, "poll"}} {
		if err := b.journal.Set(set[0], set[1]); err != nil {
			t.Fatal(err)
		}
	}
	if last, _ := b.run("b1", 1, ""); last.Cause != "watchdog: poll" {
		t.Errorf("cause %q on battery in the same boot, want the watchdog", last.Cause)
	}
	if last, _ := b.run("b1", 2, ""); last.Cause != "crash" {
		t.Errorf("cause %q, want a culprit to be told once", last.Cause)
	}
	for i := range 50 {
		b.run("b1", time.Duration(i), "")
	}
	if text, _ := b.journal.Get(factCrashes); len(strings.Fields(text)) != 1+crashLoop {
		t.Errorf("the ledger grows: %q", text)
	}
}

func TestCrashLoop(t *testing.T) {
	minute := time.Minute
	for name, c := range map[string]struct {
		at   []time.Duration // starts; every run crashes
		boot string          // of the last start
		want bool
	}{
		"five crashes in ten minutes":   {[]time.Duration{0, 1, 2 * minute, 3 * minute, 4 * minute, 9 * minute}, "b1", true},
		"four":                          {[]time.Duration{0, 1, 2 * minute, 3 * minute, 4 * minute}, "b1", false},
		"five in more than ten minutes": {[]time.Duration{0, 1 * minute, 2 * minute, 3 * minute, 4 * minute, 11 * minute}, "b1", false},
		"many, slowly":                  {[]time.Duration{0, 4 * minute, 8 * minute, 12 * minute, 16 * minute, 20 * minute, 24 * minute}, "b1", false},
		"many, and on":                  {[]time.Duration{0, 1, 2, 3, 4, 5, 6, 7, 8, 9 * minute}, "b1", true},
		"the box restarted":             {[]time.Duration{0, 1, 2, 3, 4, 5, 6, 7, 8}, "b2", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.openJournal()
			var loop bool
			for i, at := range c.at {
				boot := "b1"
				if i == len(c.at)-1 {
					boot = c.boot
				}
				_, loop = b.run(boot, at, "")
			}
			if loop != c.want {
				t.Errorf("crash loop %v, want %v", loop, c.want)
			}
		})
	}
}

func TestOrderlyStopsAreNoCrashLoop(t *testing.T) {
	b := newBench(t)
	b.openJournal()
	for i := range 20 {
		if last, loop := b.run("b1", time.Duration(i), "update"); loop || last.Crashed {
			t.Fatalf("run %d after orderly stops: %+v, loop %v", i, last, loop)
		}
	}
	for i := range 6 {
		b.run("b1", time.Duration(20+i), "")
	}
	if err := ForgetCrashes(b.journal); err != nil {
		t.Fatal(err)
	}
	if _, loop := b.run("b1", 30, ""); loop {
		t.Error("resume did not forget the crashes")
	}
}

func TestSafeModeMovesOnlyTowardsSafe(t *testing.T) {
	bubble(t, func(b *bench) {
		b.options.SafeMode = true
		b.options.Request = func(string) error { return nil }
		b.lamp.active = true
		b.start()
		defer b.end()
		for i, c := range []struct{ call, state string }{
			{"router cycle 1s", "refused"}, {"router off", "refused"}, {"lamp on 10m", "refused"}, {"lamp pulse 1s", "refused"},
			{"lamp read", "done"}, {"lamp off", "done"}, {"lamp on", "refused"}, {"agent status", "done"}, {"agent reboot", "done"},
		} {
			id := fmt.Sprintf("c%d", i)
			b.call(id, c.call)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if ans := b.wantState(id, c.state); c.state == "refused" && !strings.Contains(ans.Detail, "resume") {
				t.Errorf("%s: detail %q does not name the remedy", c.call, ans.Detail)
			}
		}
		if len(b.edges()) != 1 || b.lamp.active {
			t.Errorf("edges %q, want only the lamp's to safe", b.edges())
		}
		if faults := b.agent.allFaults(); len(faults) != 1 || !strings.Contains(faults[0], "safe mode") {
			t.Errorf("faults %q, want safe mode", faults)
		}
	})
}

func TestSafeModeEnds(t *testing.T) {
	for name, end := range map[string]func(b *bench){
		"after ten minutes up": func(*bench) { time.Sleep(crashWindow) },
		"by resume":            func(b *bench) { b.agent.Resume("test") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				b.openJournal()
				if err := b.journal.Set(factCrashes, "boot-1 1 2 3 4 5"); err != nil {
					t.Fatal(err)
				}
				b.options.SafeMode = true
				b.start()
				defer b.end()
				time.Sleep(crashWindow - time.Minute)
				b.call("c1", "lamp on")
				end(b)
				synctest.Wait()
				b.call("c2", "lamp on")
				time.Sleep(time.Second)
				synctest.Wait()
				b.wantState("c1", "refused")
				b.wantState("c2", "done")
				if crashes, _ := b.journal.Get(factCrashes); crashes != "" {
					t.Errorf("ledger still holds %q", crashes)
				}
				if faults := b.agent.allFaults(); len(faults) != 0 {
					t.Errorf("faults %q, want none", faults)
				}
			})
		})
	}
}

func TestNotesKeepTheNewestAndWriteTheRest(t *testing.T) {
	bubble(t, func(b *bench) {
		b.openJournal()
		n := NewNotes(b.journal, slog.New(slog.DiscardHandler))
		n.Set("a", "1") // nobody runs yet: does not wait
		n.Set("b", "1")
		n.Set("a", "2")
		if n := len(n.order); n != 2 {
			t.Errorf("%d notes wait, want one for each key", n)
		}
		b.start()
		b.agent.notes.Set("c", "3")
		b.end()
		if v, _ := b.journal.Get("c"); v != "3" {
			t.Errorf("note of a stop is %q, want 3", v)
		}
		if v, _ := b.journal.Get(factRunning); v != "boot-1 stopped: shutdown" {
			t.Errorf("running is %q after an orderly stop", v)
		}
	})
}
