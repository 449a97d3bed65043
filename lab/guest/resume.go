package guest

import (
	"crypto/rand"
	"strings"
	"time"

	"longarm/lab/wire"
)

// resume lets a saved machine go on, which was saved standing still with its server
// running, and gives it the time of day and randomness of its own, or every guest would
// draw the same numbers.
func (r *run) resume(g *Guest) error {
	err := g.again("the saved machine does not go on", 10*time.Millisecond, r.Timeout, func() (bool, error) {
		state, err := g.QMP("query-status", nil)
		if err != nil || strings.Contains(string(state), "inmigrate") {
			return false, err
		}
		if !strings.Contains(string(state), `"running": true`) {
			_, err = g.QMP("cont", nil)
			return false, err
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	seed := make([]byte, 64)
	_, _ = rand.Read(seed) // it never fails
	return g.within(r.Timeout, wire.Request{Op: "resume", NS: time.Now().UnixNano(), Data: seed})
}

// follow does what can be done only in a running guest.
func (r *run) follow(g *Guest) error {
	var steps []func() error
	if r.plug {
		steps = append(steps, g.PlugSerial)
	}
	if r.shares() && !r.bare {
		steps = append(steps, g.mountShare)
	}
	if r.Trace && r.saved {
		steps = append(steps, g.TraceOutputs)
	}
	steps = append(steps, func() error { return g.setPulls(r.label(), r.pulls) })
	for _, f := range r.late {
		steps = append(steps, func() error { return g.place(f) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
