package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longarm/push/engine"
)

// workLimit bounds one piece of engine work that must not stop half-way because a client went away. It is longer than
// the election of a new leader in a cluster takes (push-engine.md 2c).
const workLimit = 10 * time.Second

// work is a context for engine work that outlives the request it belongs to.
func work(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), workLimit)
}

func decodeCall(d engine.Doc) (call, error) {
	var c call
	if err := json.Unmarshal(d.Data, &c); err != nil {
		return c, fmt.Errorf("decode %s: %w", d.Subject, err)
	}
	c.rev = d.Revision
	return c, nil
}

// writeCall stores the call at the revision that it was read at and keeps the clocks in step; the wake of the queue does
// not depend on the watch alone.
func (s *Service) writeCall(ctx context.Context, c *call) error {
	if c.rev != 0 {
		c.Order = c.place()
	}
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode call %s: %w", c.ID, err)
	}
	rev, err := s.engine.Append(ctx, callSubject(c.Container, c.ID), data, c.rev)
	if err != nil {
		return err
	}
	c.rev = rev
	s.saw(c)
	s.counts.call(c.State)
	return nil
}

// saw takes note of a version of an open call, ours or another replica's.
func (s *Service) saw(c *call) {
	s.clocks.track(c)
	if b := s.boxes.find(c.Container); b != nil && !c.Closed {
		b.wake()
	}
}

// findCall returns the call of a subject call.<container>.<id>: open, or closed and in the log; engine.ErrNotFound when
// the container has none of that id.
func (s *Service) findCall(ctx context.Context, subject string) (call, error) {
	d, err := s.engine.Last(ctx, subject)
	if errors.Is(err, engine.ErrNotFound) { // the log is written before the open call is purged
		d, err = s.engine.Last(ctx, "log."+strings.TrimPrefix(subject, "call."))
	}
	if err != nil {
		return call{}, err
	}
	return decodeCall(d)
}

// searchCall finds a call of any container.
func (s *Service) searchCall(ctx context.Context, id string) (call, error) {
	for _, room := range []string{"call.*.", "log.*."} {
		docs, err := s.engine.List(ctx, room+token(id))
		if err != nil {
			return call{}, err
		}
		if len(docs) > 0 {
			return decodeCall(docs[0])
		}
	}
	return call{}, engine.ErrNotFound
}

// openCalls returns the container's open calls, first in, first out.
func (s *Service) openCalls(ctx context.Context, container string) ([]call, error) {
	docs, err := s.engine.List(ctx, "call."+token(container)+".>")
	if err != nil {
		return nil, err
	}
	calls := make([]call, 0, len(docs))
	for _, d := range docs {
		c, err := decodeCall(d)
		if err != nil {
			return nil, err
		}
		if !c.Closed {
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(a.place(), b.place()) })
	return calls, nil
}

// change lets decide alter the call of the subject and writes it when decide says so; when another writer was first it
// reads and decides again. It returns the call as it stands afterwards. Once a call is closed decide must return false.
func (s *Service) change(ctx context.Context, subject string, decide func(c *call) bool) (call, error) {
	for {
		c, err := s.findCall(ctx, subject)
		if err != nil {
			return c, err
		}
		if !decide(&c) {
			return c, nil
		}
		err = s.writeCall(ctx, &c)
		if err == nil && c.Closed {
			err = s.file(ctx, c)
		}
		if !errors.Is(err, engine.ErrConflict) {
			return c, err
		}
	}
}

// file moves a closed call to the log. Every step may be done again by anyone: what is there already is good.
func (s *Service) file(ctx context.Context, c call) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode call %s: %w", c.ID, err)
	}
	if _, err := s.engine.Append(ctx, logSubject(c.Container, c.ID), data, 0); err != nil && !errors.Is(err, engine.ErrConflict) {
		return fmt.Errorf("log call %s: %w", c.ID, err)
	}
	if err := s.engine.Purge(ctx, callSubject(c.Container, c.ID), c.rev); err != nil && !errors.Is(err, engine.ErrConflict) {
		return fmt.Errorf("close call %s: %w", c.ID, err)
	}
	return nil
}
