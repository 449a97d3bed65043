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
	boards     []*demoBoard
	ending     atomic.Bool // children may end now
	mark       int         // edges that were checked, of those seen
	moves      int         // edges that were as expected

	// beside starts what runs until the end; when it fails the show ends.
	beside func(func(context.Context) error)
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
	defer func() {
		if end := s.clear(); err == nil { // else it repeats what went wrong
			err = end
		}
	}()
	running.Go(func() { s.t.run(sources) })
	s.beside = func(f func(context.Context) error) {
		running.Go(func() {
			if err := f(sources); err != nil {
				fail(err)
			}
		})
	}
	err = s.perform(ctx, keep)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause // a child that fell says more than the request that it broke
	}
	if m, ok := errors.AsType[*mismatch](err); ok {
		s.t.wrong(m)
	}
	return err
}

const demoGreeting = `All lines are what the service's events, the edge trace and the boards' wires say.
#1, #2 … are calls. Times are since the start.
`

// perform is the show itself.
func (s *show) perform(ctx context.Context, keep bool) error {
	fmt.Fprintln(s.c.stdout, s.t.p.paint(bold, "Longarm: a push service, an agent with simulated lines, three relay boards behind ptys."))
	fmt.Fprint(s.c.stdout, demoGreeting)
	if err := s.openService(ctx); err != nil {
		return err
	}
	if err := s.nobodyThere(ctx); err != nil {
		return err
	}
	s.beside(func(ctx context.Context) error { return followTrace(ctx, s.path("trace.jsonl"), s.seen) })
	if err := s.openAgent(ctx); err != nil {
		return err
	}
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
func (s *show) watchStream(stream io.ReadCloser, service *child) error {
	defer stream.Close()
	err := followEvents(stream, s.seen)
	if s.ending.Load() {
		return nil
	}
	fallen := time.NewTimer(time.Second)
	defer fallen.Stop()
	select {
	case <-service.done: // which says more
		return service.fell()
	case <-fallen.C:
		return fmt.Errorf("the service's event stream ended: %w", err)
	}
}

// start starts a child. The show ends when the child ends by itself.
func (s *show) start(name, path string, args ...string) (*child, error) {
	c, err := startChild(name, s.dir, path, args...)
	if err != nil {
		return nil, err
	}
	s.beside(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-c.done:
		}
		if s.ending.Load() {
			return nil
		}
		return c.fell()
	})
	return c, nil
}

// clear ends what still runs, the agent first: it signs off at the service.
func (s *show) clear() error {
	s.ending.Store(true)
	err := errors.Join(s.device.end(), s.service.end())
	for _, b := range s.boards {
		b.close()
	}
	s.device, s.service, s.boards = nil, nil, nil
	return err
}

// summary is how it went.
func (s *show) summary() {
	states := map[string]int{}
	var calls, sent int
	s.seen.look(func() {
		for _, d := range s.seen.calls {
			states[d.State]++
		}
		calls = len(s.seen.calls)
		for _, p := range s.seen.sent {
			sent += len(p)
		}
	})
	var parts []string
	for _, state := range []string{"succeeded", "failed", "expired", "unanswered", "unknown", "cancelled"} {
		if states[state] > 0 {
			parts = append(parts, strconv.Itoa(states[state])+" "+state)
		}
	}
	s.t.head("All as expected", "")
	s.t.note(fmt.Sprintf("%d calls (%s), %d edges, %d bytes to the boards, in %s", calls, strings.Join(parts, ", "), s.moves, sent, span(time.Since(s.t.start))))
}
