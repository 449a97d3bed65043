package service

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// drainRetry is what a client is told while we stop; a new process is there by then.
const drainRetry = 5 * time.Second

// gate counts the polls that wait, and lets no more in once it is shut.
type gate struct {
	mu       sync.Mutex
	open     int
	shut     bool
	draining chan struct{} // closed when it shuts
	empty    chan struct{} // closed when it is shut and the last poll is gone
}

func newGate() gate {
	return gate{draining: make(chan struct{}), empty: make(chan struct{})}
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.open++
	}
	return !g.shut
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open--; g.open == 0 && g.shut {
		close(g.empty)
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return
	}
	g.shut = true
	close(g.draining)
	if g.open == 0 {
		close(g.empty)
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// Drain refuses new polls with 503, ends held ones as idle with Connection: close, ends event streams and waiting
// operators, and returns when the last poll was answered or ctx ended. Acknowledgements and results are still served. It
// may be called more than once; a drained service stays drained.
func (s *Service) Drain(ctx context.Context) error {
	s.polls.close()
	select {
	case <-s.polls.empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain, %d polls left: %w", s.polls.count(), context.Cause(ctx))
	}
}

// settleEvery is how often Settle looks.
const settleEvery = 10 * time.Millisecond

// Settle returns when no request of somebody who showed a good key or token is being served, or when ctx ended. It
// refuses nobody: shut the listener first. The answer of the last request may still be on its way.
func (s *Service) Settle(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for s.serving.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("settle, %d requests left: %w", s.serving.Load(), context.Cause(ctx))
		}
	}
	return nil
}
