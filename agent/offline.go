package agent

import (
	"context"
	"time"
)

// offlineStep is how exactly the offline policies of outputs are kept, however
// long the poll loop pauses.
const offlineStep = 5 * time.Second

// offlineLoop tells the box how long the service has been away, until ctx
// ends. A board that hangs holds up this loop alone, and never for long.
func (a *Agent) offlineLoop(ctx context.Context) {
	tick := time.NewTicker(offlineStep)
	defer tick.Stop()
	away := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch lost := a.lostAt.Load(); {
		case lost != nil:
			away = true
			a.offline(ctx, time.Since(*lost))
		case away:
			away = false
			a.offline(ctx, 0)
		}
	}
}

// online tells whether the service was there when it was last asked.
func (a *Agent) online() bool { return a.lostAt.Load() == nil }

func (a *Agent) offline(ctx context.Context, away time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, offlineStep)
	defer cancel()
	a.o.Box.Offline(ctx, away)
}
