package device

import (
	"testing"
	"time"
)

// TestReadsRestartNoTimer: "timers monotonic; deadline persisted; reads don't
// restart timers", of the traps of hardware.md, section 7 (docs/traps.md). A
// pulse, a lease and max_on end when they should, however often somebody looks;
// max_on also over a crash (TestMaxOnCountsAcrossACrash), a lease is settled then.
func TestReadsRestartNoTimer(t *testing.T) {
	for text, width := range map[string]time.Duration{"pump pulse 10s": 10 * time.Second, "pump on 20s": 20 * time.Second, "pump on": time.Minute} {
		bubble(t, func(t *testing.T) {
			r, line := one(t, OutputSpec{Name: "pump", MaxOn: time.Minute})
			answer := r.send(text, Meta{})
			for range 1000 {
				later(70 * time.Millisecond)
				r.do("pump read")
				_ = r.box.Report()
			}
			<-answer
			if len(line.edges) != 2 || line.between(0, 1) != width {
				t.Errorf("%s: edges %s, want them %s apart", text, line.trace(), width)
			}
		})
	}
}
