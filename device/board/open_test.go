package board_test

import (
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board"
)

// TestNoFamilySpeaksOnOpen: "never send on open" (hardware.md, section 7), for
// each family and with a Box above it: not when it starts, not when it is started
// again, not when the cable comes back, before and after it was in use.
func TestNoFamilySpeaksOnOpen(t *testing.T) {
	for _, f := range board.Families() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSite(t, f, 0)
				quiet := func(what string, do func()) {
					t.Helper()
					before := w.cable.Sends()
					do()
					time.Sleep(time.Hour)
					if n := w.cable.Sends() - before; n != 0 {
						t.Errorf("%s: %d frames were sent, want none", what, n)
					}
				}
				plug := func() { w.cable.Unplug(); time.Sleep(time.Minute); w.cable.Plug() }
				quiet("start", func() {})
				quiet("cable", plug)
				for _, o := range w.outs {
					if ans := w.ask(o); ans.State != device.Done {
						t.Errorf("read: %+v", ans)
					}
				}
				quiet("in use", func() {})
				quiet("cable of one in use", plug)
				quiet("start anew", w.restart)
				w.now.end(true)
			})
		})
	}
}
