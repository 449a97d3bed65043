package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const startLimit = 15 * time.Second // until a child is there

// show is one run of the demo: the processes, what is seen of them, and who
// plays.
type show struct {
	c          command
	dir, agent string
	t          *teller
	seen       *sightings
	api        *api
	box        string // the container's id
	key        string
	service    *child
	device     *child
	board      *demoBoard
	ending     atomic.Bool // children may end now
	mark       int         // edges that were checked
	moves      int
}

func newShow(c command, dir, agent string, t *teller) *show {
	return &show{c: c, dir: dir, agent: agent, t: t, seen: newSightings(t)}
}

func (s *show) path(name string) string { return filepath.Join(s.dir, name) }

// run plays the show; whatever happens, no child is left behind.
func (s *show) run(ctx context.Context, keep bool) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	sources, stopSources := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer stopSources()
	defer fail(nil)
	defer func() { err = errors.Join(err, s.clear()) }()
	running.Go(func() { s.t.run(sources) })
	err = s.perform(ctx, keep, func(f func(context.Context) error) {
		running.Go(func() {
			if err := f(sources); err != nil {
				fail(err)
			}
		})
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause // a child that fell says more than the request that it broke
	}
	return err
}

const demoGreeting = `All lines are what the service's events, the edge trace and the board's wire say.
#1, #2 … are calls. Times are since the start.
`

// perform is the show itself. beside starts what runs until the end, and ends
// the show when it fails.
func (s *show) perform(ctx context.Context, keep bool, beside func(func(context.Context) error)) error {
	fmt.Fprintln(s.c.stdout, s.t.p.paint(bold, "Longarm: a push service, an agent with simulated lines, a relay board behind a pty."))
	fmt.Fprint(s.c.stdout, demoGreeting)
	stream, err := s.openService(ctx)
	if err != nil {
		return err
	}
	service := s.service
	beside(func(context.Context) error { return s.watchStream(stream) })
	beside(func(ctx context.Context) error { return s.watchChild(ctx, service) })
	if err := s.nobodyThere(ctx); err != nil {
		return err
	}
	beside(func(ctx context.Context) error { return followTrace(ctx, s.path("trace.jsonl"), s.seen) })
	if err := s.openAgent(ctx); err != nil {
		return err
	}
	device := s.device
	beside(func(ctx context.Context) error { return s.watchChild(ctx, device) })
	if err := s.play(ctx); err != nil {
		return err
	}
	if keep {
		s.summary()
		s.leave()
		if <-ctx.Done(); !errors.Is(context.Cause(ctx), context.Canceled) {
			return context.Cause(ctx)
		}
		return nil
	}
	return s.close(ctx)
}

// watchStream follows the events; they end with the service.
func (s *show) watchStream(stream io.ReadCloser) error {
	defer stream.Close()
	if err := followEvents(stream, s.seen); !s.ending.Load() {
		return fmt.Errorf("the service's event stream ended: %w", err)
	}
	return nil
}

// watchChild says so when a child ends by itself.
func (s *show) watchChild(ctx context.Context, c *child) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.done:
	}
	if s.ending.Load() {
		return nil
	}
	return c.fell()
}

// clear ends what still runs, the agent first: it signs off at the service.
func (s *show) clear() error {
	s.ending.Store(true)
	err := errors.Join(s.device.end(), s.service.end())
	s.board.close()
	s.device, s.service, s.board = nil, nil, nil
	return err
}

// summary is how it went.
func (s *show) summary() {
	states := map[string]int{}
	var calls, frames int
	s.seen.look(func() {
		for _, d := range s.seen.calls {
			states[d.State]++
		}
		calls, frames = len(s.seen.calls), len(s.seen.sent)
	})
	var parts []string
	for _, state := range []string{"succeeded", "failed", "expired", "unanswered", "unknown", "cancelled"} {
		if states[state] > 0 {
			parts = append(parts, strconv.Itoa(states[state])+" "+state)
		}
	}
	s.t.head("All as expected", "")
	s.t.note(fmt.Sprintf("%d calls (%s), %d edges, %d frames to the board, in %s", calls, strings.Join(parts, ", "), s.moves, frames, span(time.Since(s.t.start))))
}
