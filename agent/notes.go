package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"longarm/agent/journal"
)

// Notes keeps small facts in the journal without making anybody wait for the
// disk: a power-fail, a poll and the watchdog must go on while storage hangs.
// The newest value of a key wins. Safe for concurrent use.
type Notes struct {
	journal *journal.Journal
	log     *slog.Logger
	kick    chan struct{} // cap 1

	mu    sync.Mutex
	want  map[string]string
	order []string // keys in want, oldest first; bounded by the keys that exist
}

// NewNotes writes nothing until [Notes.Run].
func NewNotes(j *journal.Journal, log *slog.Logger) *Notes {
	return &Notes{journal: j, log: log, kick: make(chan struct{}, 1), want: map[string]string{}}
}

// Set asks for a fact to be kept; it does not wait.
func (n *Notes) Set(key, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, waiting := n.want[key]; !waiting {
		n.order = append(n.order, key)
	}
	n.want[key] = value
	kick(n.kick)
}

// Run writes until ctx ends, and then what is left.
func (n *Notes) Run(ctx context.Context) {
	for {
		n.writeAll()
		select {
		case <-n.kick:
		case <-ctx.Done():
			n.writeAll()
			return
		}
	}
}

func (n *Notes) writeAll() {
	for {
		key, value, ok := n.next()
		if !ok {
			return
		}
		if err := n.journal.Set(key, value); err != nil {
			n.log.Warn("fact not kept for the next start", "fact", key, "err", err)
		}
	}
}

func (n *Notes) next() (key, value string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.order) == 0 {
		return "", "", false
	}
	key = n.order[0]
	value = n.want[key]
	n.order = slices.Delete(n.order, 0, 1)
	delete(n.want, key)
	return key, value, true
}
