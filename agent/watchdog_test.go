package agent

import (
	"testing"
	"testing/synctest"
	"time"
)

// fed counts feeds and remembers who starved it.
func (b *bench) feedInto(fed *int) {
	b.options.Feed = func() { *fed++ }
}

func TestWatchdogOutlivesAnOutageOfTheService(t *testing.T) {
	bubble(t, func(b *bench) {
		fed := 0
		b.feedInto(&fed)
		b.start()
		defer b.end()
		b.link.setDown(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if fed < 355 || fed > 362 {
			t.Errorf("fed %d times in an hour of outage, want 360", fed)
		}
	})
}

func TestWatchdogStarvesWhenThePollLoopHangs(t *testing.T) {
	bubble(t, func(b *bench) {
		fed := 0
		b.feedInto(&fed)
		b.link.hang = make(chan struct{})
		b.start()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if fed > 9 {
			t.Errorf("fed %d times, want none after 75 s without the poll loop", fed)
		}
		if late := b.agent.o.Watchdog.Overdue(); late != "poll" {
			t.Errorf("overdue %q, want poll", late)
		}
		if who, _ := b.journal.Get(factStarved); who != "poll" {
			t.Errorf("the journal blames %q, want poll", who)
		}
		close(b.link.hang)
		b.end()
	})
}

func TestWatchdogStarvesWhenHardwareHangs(t *testing.T) {
	bubble(t, func(b *bench) {
		fed := 0
		b.feedInto(&fed)
		b.start()
		b.lamp.block = make(chan struct{})
		b.call("c1", "lamp on")
		time.Sleep(time.Minute)
		synctest.Wait()
		if fed > 3 {
			t.Errorf("fed %d times in a minute with a hung relay, want at most 3", fed)
		}
		if who, _ := b.journal.Get(factStarved); who != "output lamp" {
			t.Errorf("the journal blames %q, want output lamp", who)
		}
		close(b.lamp.block)
		time.Sleep(time.Minute)
		synctest.Wait()
		if fed < 6 {
			t.Errorf("fed %d times, want feeding to go on once the relay answered", fed)
		}
		if who, _ := b.journal.Get(factStarved); who != "" {
			t.Errorf("the journal still blames %q, which has answered: a crash later would be put down to it", who)
		}
		b.end()
	})
}
