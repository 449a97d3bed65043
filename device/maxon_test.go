package device

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// booted is what outlives a crash of the agent within one boot of the box.
type booted struct {
	at    time.Time
	mu    sync.Mutex
	until map[string]time.Duration
	told  []string
}

// start is a run of the agent over the line; end crashes it.
func (b *booted) start(t *testing.T, s OutputSpec, line *fakeLine) (r *rig, end func()) {
	if b.until == nil {
		b.at, b.until = time.Now(), map[string]time.Duration{}
	}
	r = newRig(t, Spec{Outputs: []OutputSpec{s}})
	r.lines[s.Name] = line
	left := map[string]time.Duration{}
	b.mu.Lock()
	maps.Copy(left, b.until)
	b.mu.Unlock()
	r.box = New(r.box.spec, r, Options{Boot: func() time.Duration { return time.Since(b.at) }, OnUntil: left,
		OnUntilChanged: func(target string, until time.Duration) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.told = append(b.told, fmt.Sprint(target, " ", until))
			if b.until[target] = until; until == 0 {
				delete(b.until, target)
			}
		}})
	r.open().run()
	return r, func() {
		line.set(func() { line.fail = func(int, bool) error { return moved(false) } })
		_ = r.stop()
		line.set(func() { line.fail = nil })
	}
}

var limited = OutputSpec{Name: "pump", MaxOn: 10 * time.Minute}

// hardware.md 7, "timers monotonic; deadline persisted; reads don't restart
// timers": max_on counts across crashes of the agent.
func TestMaxOnCountsAcrossACrash(t *testing.T) {
	bubble(t, func(t *testing.T) {
		line, b := &fakeLine{known: true, proof: "readback"}, &booted{}
		r, crash := b.start(t, limited, line)
		r.do("pump on")
		for range 5 {
			later(time.Minute)
			r.do("pump read")
			r.do("pump on")
			crash()
			r, crash = b.start(t, limited, line)
		}
		later(time.Hour)
		if got := line.between(0, 1); got != 10*time.Minute || line.edges[1].why != "max on" {
			t.Errorf("on for %s, ended by %s; want 10m by max on", got, line.edges[1].why)
		}
		if got := strings.Join(b.told, ", "); got != "pump 10m0s, pump 0s" {
			t.Errorf("told %q, want a write when it goes on and one when it goes off", got)
		}
	})
}

func TestMaxOnThatPassedWhileTheAgentWasDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		line, b := &fakeLine{known: true, proof: "readback"}, &booted{}
		r, crash := b.start(t, limited, line)
		r.do("pump on")
		later(time.Minute)
		crash()
		time.Sleep(time.Hour)
		b.start(t, limited, line)
		later(0)
		wantTrace(t, line, "+call c1, -max on")
		if got := line.between(0, 1); got != time.Hour+time.Minute {
			t.Errorf("off after %s, want at once at the start", got)
		}
	})
}

func TestMaxOnAfterTheStart(t *testing.T) {
	for _, test := range []struct {
		name  string
		spec  OutputSpec
		until time.Duration // 0: nothing was kept, as after another boot
		on    bool
		known bool
		want  time.Duration
	}{
		{"nothing kept", limited, 0, true, true, 10 * time.Minute},
		{"kept", limited, 3 * time.Minute, true, true, 3 * time.Minute},
		{"made shorter since", OutputSpec{Name: "pump", MaxOn: time.Minute}, 3 * time.Minute, true, true, time.Minute},
		{"no max_on any more", OutputSpec{Name: "pump"}, 3 * time.Minute, true, true, -1},
		{"off meanwhile", limited, 3 * time.Minute, false, true, -1},
		{"nobody knows", limited, 3 * time.Minute, true, false, 3 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				line := &fakeLine{level: test.on, known: test.known, proof: "readback"}
				b := &booted{at: time.Now(), until: map[string]time.Duration{}}
				if test.until > 0 {
					b.until["pump"] = test.until
				}
				b.start(t, test.spec, line)
				start := time.Now()
				later(time.Hour)
				off := time.Duration(-1)
				if len(line.edges) > 0 {
					off = line.edges[0].at.Sub(start)
				}
				if off != test.want {
					t.Errorf("off after %s, want %s", off, test.want)
				}
				if n := len(b.until); n != 0 {
					t.Errorf("%d deadlines are kept of a load that is off, or has none", n)
				}
			})
		})
	}
}

// The disk that keeps the deadline holds up nothing.
func TestMaxOnDoesNotWaitForTheDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		disk := make(chan struct{})
		defer close(disk)
		r := newRig(t, Spec{Outputs: []OutputSpec{limited}})
		r.box = New(r.box.spec, r, Options{Boot: func() time.Duration { return time.Hour }, OnUntilChanged: func(string, time.Duration) { <-disk }})
		r.open().run()
		start := time.Now()
		r.want(r.do("pump on"), Done, "")
		r.want(r.do("pump off"), Done, "")
		r.box.PowerFail(context.Background(), true)
		if d := time.Since(start); d != 0 {
			t.Errorf("took %s", d)
		}
	})
}
