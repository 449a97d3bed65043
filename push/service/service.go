package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"longarm/push"
)

// Options are the service's settings; the zero value is good.
type Options struct {
	// Log hears what a person wants to know in a year; nil is silent. Never a key, token or query string.
	Log *slog.Logger
	// Hold is how long a poll waits for a call; 0 is push.Hold. Clients give up at push.PollLimit.
	Hold time.Duration
}

// Service is the push service: one replica's front end over an Engine. All methods are safe for concurrent use.
type Service struct {
	engine  Engine
	log     *slog.Logger
	holdFor time.Duration
	replica string // who we are among those that share the engine

	boxes  *boxes
	tokens *tokens
	timers *timers
	clocks *clocks
	judge  judge
	seen   seen
	hub    hub
	polls  gate
	counts counts
	pit    chan struct{}
	ready  atomic.Bool

	serving atomic.Int64 // requests of those who have shown a key
}

// New returns a service over e and reads what e knows: containers, tokens, open calls. The handler works from then on;
// without Run no timer runs.
func New(e Engine, o Options) (*Service, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hold <= 0 {
		o.Hold = push.Hold
	}
	t := newTimers()
	s := &Service{
		engine: e, log: o.Log, holdFor: o.Hold, replica: push.NewID(),
		boxes: newBoxes(), tokens: newTokens(), timers: t, clocks: newClocks(t),
		polls: newGate(), pit: make(chan struct{}, errorsWaits),
	}
	ctx, cancel := work(context.Background())
	defer cancel()
	if err := s.loadSeen(ctx); err != nil {
		return nil, err
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Run drives leases, expiries and presence and follows what others write, until ctx ends; then it stores who was heard
// last, waits for its goroutines and returns nil. Call it once. It returns early with an error when the engine cannot
// be watched.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	if err := s.follow(ctx, &wg); ctx.Err() != nil {
		return nil // ended before it had begun
	} else if err != nil {
		return fmt.Errorf("follow the engine: %w", err)
	}
	if err := s.load(ctx); err != nil && ctx.Err() == nil { // what was written since New
		return err
	}
	wg.Go(func() { s.keepJudging(ctx) })
	wg.Go(func() { s.timers.run(ctx, s.fire) })
	wg.Go(func() { s.keepSeen(ctx) })
	s.ready.Store(true)
	defer s.ready.Store(false)
	s.keepLooking(ctx)
	return nil
}

// keepLooking reads the open calls again once a hold: a wake that was lost costs no more than that.
func (s *Service) keepLooking(ctx context.Context) {
	tick := time.NewTicker(s.holdFor)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.loadCalls(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("open calls not read", "err", err)
			}
		}
	}
}

// load reads everything that is kept in memory.
func (s *Service) load(ctx context.Context) error {
	return errors.Join(s.loadContainers(ctx), s.loadStandings(ctx), s.loadTokens(ctx), s.loadCalls(ctx), s.loadIdempotent(ctx))
}
