package agent

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// feedInterval is how often the watchdog is fed: less than a third of
// WatchdogSec in longarm-agent.service (30 s).
const feedInterval = 10 * time.Second

// Watchdog speaks for the work: each loop says by when it will be back before
// it waits, and the watchdog is fed only while nothing is overdue (design.md
// section 4). Safe for concurrent use.
type Watchdog struct {
	mu   sync.Mutex
	due  map[string]time.Time
	next int
}

// NewWatchdog returns a watchdog that nothing owes a beat.
func NewWatchdog() *Watchdog { return &Watchdog{due: map[string]time.Time{}} }

// Beat is the beat of one loop: name is alive now and back within limit.
func (w *Watchdog) Beat(name string, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[name] = time.Now().Add(limit)
}

// Rest takes a loop out that has ended in good order.
func (w *Watchdog) Rest(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.due, name)
}

// Guard surrounds one piece of hardware work that must return within limit.
// Call done when it has; work that never returns starves the watchdog.
func (w *Watchdog) Guard(worker string, limit time.Duration) (done func()) {
	w.mu.Lock()
	w.next++
	key := worker + nth + strconv.Itoa(w.next)
	w.due[key] = time.Now().Add(limit)
	w.mu.Unlock()
	return func() { w.Rest(key) }
}

// nth stands between a worker and the number of its work.
const nth = "#"

// Overdue returns the name of a loop or worker that is late, or "".
func (w *Watchdog) Overdue() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for name, due := range w.due {
		if now.After(due) {
			name, _, _ = strings.Cut(name, nth)
			return name
		}
	}
	return ""
}

// Run feeds every interval (0: 10 s) while nothing is overdue, until ctx ends.
// The first missed feed of a spell calls starved with the late one's name, the first feed
// after it with "".
func (w *Watchdog) Run(ctx context.Context, interval time.Duration, log *slog.Logger, feed func(), starved func(string)) {
	if interval <= 0 {
		interval = feedInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	hungry := false
	for {
		late := w.Overdue()
		switch {
		case late == "" && hungry:
			hungry = false
			log.Info("watchdog fed again")
			starved("")
			feed()
		case late == "":
			feed()
		case !hungry:
			hungry = true
			log.Error("watchdog not fed", "overdue", late)
			starved(late)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
