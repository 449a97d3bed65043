package device

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a stop has no time for is journaled before its callers are answered:
// after the next start nothing else would know of it.
func TestStopOwesWhatHangs(t *testing.T) {
	for _, hangs := range []bool{true, false} {
		t.Run(fmt.Sprint("hangs ", hangs), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, line := one(t, siren)
				pulse := r.send("siren pulse 50s", Meta{})
				later(time.Second)
				gate := make(chan struct{})
				defer close(gate)
				if hangs {
					line.set(func() { line.block = gate })
				}
				err := r.stop()
				if ans := <-pulse; (err != nil) != hangs || hangs && ans.State != Unknown {
					t.Errorf("run: got %v, the pulse %+v", err, ans)
				}
				got := strings.Join(r.leases(), ", ")
				if open := strings.HasSuffix(got, "siren c1 true"); open != hangs {
					t.Errorf("journal was told %q, want the debt left open: %t", got, hangs)
				}
			})
		})
	}
}

// A stop that takes over a level which is on its way there, and misses it, owes
// it as whoever asked for it first would.
func TestStopOwesWhatItTookOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		r.do("siren on")
		gate := make(chan struct{})
		line.set(func() { line.block, line.fail = gate, failing(errFake, 2, 1000) })
		off := r.send("siren off", Meta{})
		later(time.Second)
		stopped := make(chan error, 1)
		go func() { stopped <- r.stop() }()
		synctest.Wait()
		close(gate)
		if err := <-stopped; err == nil {
			t.Error("run: got no error, want the output that is not settled")
		}
		r.want(<-off, Failed, "the line is not there yet")
		if got := strings.Join(r.leases(), ", "); got != "siren c2 true" {
			t.Errorf("journal was told %q, want the debt", got)
		}
	})
}

// A level on its way is no settled one: who looks at the report, such as the
// agent's start, would close in the journal what may still be missed.
func TestALevelOnItsWayIsShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		r.do("siren on")
		gate := make(chan struct{})
		line.set(func() { line.block = gate })
		off := r.send("siren off", Meta{})
		later(time.Second)
		if s := r.box.Report()[0]; s.Detail != "call c2: under way" {
			t.Errorf("report: got %+v, want that its level is on its way", s)
		}
		close(gate)
		r.want(<-off, Done, "")
		if s := r.box.Report()[0]; s.Detail != "" || s.Load != "off" {
			t.Errorf("report: got %+v, want it settled", s)
		}
	})
}
