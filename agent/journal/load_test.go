package journal

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// TestIdleDay: 1,920 polls of 45 s write nothing, and a good time every hour
// stays far below 1 MB.
func TestIdleDay(t *testing.T) {
	d := newMemDisk(t)
	j := mustOpen(t, testDir, memOptions(d))
	if err := j.Set("instance", "i-4711"); err != nil {
		t.Fatal(err)
	}
	before := d.ops
	for range 1920 {
		j.Lookup("c1")
		j.Get("instance")
		j.Leases()
		j.Unreported()
		if err := j.Set("instance", "i-4711"); err != nil {
			t.Fatal(err)
		}
		if err := j.LeaseClosed("router"); err != nil {
			t.Fatal(err)
		}
	}
	if d.ops != before {
		t.Errorf("an idle day asked the disk %d times, want never", d.ops-before)
	}
	wrote, syncs := d.wrote, d.syncs
	for hour := range 24 {
		if err := j.Set("good_time", fmt.Sprintf("2026-11-25T%02d:00:00Z", hour)); err != nil {
			t.Fatal(err)
		}
	}
	// Each fsync costs the device about 8 KiB beside the record.
	if cost := d.wrote - wrote + 8192*(d.syncs-syncs); cost > 1_000_000 {
		t.Errorf("an idle day with a fact an hour costs %d bytes, want under 1 MB", cost)
	}
}

// TestManyCalls: the last ids survive compaction, whatever is open survives
// for ever, and file and memory stay bounded.
func TestManyCalls(t *testing.T) {
	const calls = 2*Remembered + 500
	d := newMemDisk(t)
	o := memOptions(d)
	o.slack = 0
	j := mustOpen(t, testDir, o)
	s := newScript(t, j)
	s.started(s.received("running"), "pulse")
	s.finished(s.received("unreported"))
	s.lease(s.received("lease"))
	s.set("instance", "i")
	id := func(i int) string { return fmt.Sprintf("11112222-3333-4444-5555-%012d", i) }
	largest := 0
	for i := range calls {
		p := s.received(id(i))
		s.started(p, "cycle")
		s.finished(p)
		s.reported(p)
		if i < calls-Remembered {
			delete(s.calls, p.ID)
		}
		largest = max(largest, len(readAll(d)))
	}
	_, next := reopen(t, d)
	for _, j := range []*Journal{j, next} {
		for i := calls - Remembered; i < calls; i++ {
			if e, ok := j.Lookup(id(i)); !ok || e.State != StateFinished {
				t.Fatalf("call %d of %d is %v", i, calls, e.State)
			}
		}
		if _, ok := j.Lookup(id(calls - Remembered - 1)); ok {
			t.Error("an older id is still kept")
		}
		if got := len(j.state.order); got > Remembered+3 {
			t.Errorf("%d entries in memory", got)
		}
		if err := s.check(j, true); err != nil {
			t.Error(err)
		}
	}
	live, err := next.state.file()
	if err != nil {
		t.Fatal(err)
	}
	if largest > 5*len(live)+2*slack {
		t.Errorf("the file grew to %d bytes for %d live ones", largest, len(live))
	}
	t.Logf("%d calls: %d bytes written (%d a call), largest file %d, live %d", calls, d.wrote, d.wrote/calls, largest, len(live))
}

// TestRestarts: a crash loop does not make the file grow.
func TestRestarts(t *testing.T) {
	d := newMemDisk(t)
	s := newScript(t, mustOpen(t, testDir, memOptions(d)))
	s.run(2)
	for i := range 300 {
		var j *Journal
		d, j = reopen(t, d)
		s.j = j
		s.set("epoch", fmt.Sprint(i))
		if n := len(readAll(d)); n > 40_000 {
			t.Fatalf("%d bytes after %d restarts", n, i)
		}
	}
	if err := s.check(s.j, true); err != nil {
		t.Error(err)
	}
}

// TestKeptResults: results are bounded, ids are not forgotten for it.
func TestKeptResults(t *testing.T) {
	d := newMemDisk(t)
	j := mustOpen(t, testDir, Options{disk: d})
	big := strings.Repeat("x", 64<<10)
	const calls = 40
	for i := range calls {
		s := newScript(t, j)
		p := s.received(fmt.Sprint("c", i))
		if err := j.Finished(p.ID, []byte(big)); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 || i > calls-34 {
			s.reported(p)
		}
	}
	_, next := reopen(t, d)
	for _, j := range []*Journal{j, next} {
		for i := range calls {
			e, ok := j.Lookup(fmt.Sprint("c", i))
			if !ok || e.State != StateFinished {
				t.Fatalf("c%d is %v", i, e.State)
			}
			if want := !e.Reported || i >= calls-32; (len(e.Result) > 0) != want {
				t.Errorf("c%d (reported %v) has its result: %v, want %v", i, e.Reported, !want, want)
			}
		}
	}
}

func TestConcurrent(t *testing.T) {
	d := newMemDisk(t)
	j := mustOpen(t, testDir, memOptions(d))
	var wg sync.WaitGroup
	books := make([]*script, 16)
	for w := range books {
		books[w] = newScript(t, j)
		wg.Go(func() {
			for i := range 25 {
				s := books[w]
				p := s.received(fmt.Sprintf("w%d-%d", w, i))
				s.lease(p)
				j.Unreported()
				s.reported(p)
				if i%2 == 0 {
					s.leaseClosed(p)
				}
				s.set(fmt.Sprint("fact", w), fmt.Sprint(i))
			}
		})
	}
	wg.Wait()
	book := newScript(t, j)
	for _, s := range books {
		maps.Copy(book.calls, s.calls)
		for key, values := range s.facts {
			book.facts[key], book.sure[key] = values, true
		}
	}
	left := d.after(true, false, 0)
	for _, j := range []*Journal{j, mustOpen(t, testDir, memOptions(left))} {
		if err := book.check(j, true); err != nil {
			t.Error(err)
		}
	}
	if len(left.names) == 0 || j.Degraded() != nil {
		t.Error("nothing on the disk", j.Degraded())
	}
}

// TestDiskBusy: while one fsync hangs, whatever reads or is lazy returns, and
// the calls that wait share the next fsync.
func TestDiskBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk(t)
		o := memOptions(d)
		o.slack = 1 << 20
		j := mustOpen(t, testDir, o)
		s := newScript(t, j)
		for _, id := range []string{"a", "b", "c", "d"} {
			s.received(id)
		}
		release := make(chan struct{})
		d.hook = func(op string) {
			if op == "fsync" {
				<-release
			}
		}
		before := d.syncs
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				if err := j.Started(id, Begun{Target: id}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		// All of this would hang the bubble if it waited for the disk.
		s.received("e")
		j.Get("instance")
		j.Unreported()
		if err := j.LeaseOpened("lamp", "e"); err != nil {
			t.Error(err)
		}
		if e, _ := j.Lookup("a"); e.State != StateStarted {
			t.Errorf("a is %v", e.State)
		}
		close(release)
		wg.Wait()
		if got := d.syncs - before; got != 2 {
			t.Errorf("%d fsyncs for four calls, want 2", got)
		}
		release = make(chan struct{})
		wg.Go(func() { s.finished(s.calls["a"]) })
		synctest.Wait()
		if _, _, err := j.Received(Received{ID: "f"}); err != nil { // nobody comes after this one
			t.Error(err)
		}
		close(release)
		wg.Wait()
		d.hook = nil
		_, next := reopen(t, d)
		if _, known := next.Lookup("f"); !known {
			t.Error("what was lazy during the last fsync was not written")
		}
		if e, _ := next.Lookup("e"); e.State != StateReceived || next.Leases()["lamp"] != "e" {
			t.Error("what was lazy while the disk was busy was not written")
		}
	})
}
