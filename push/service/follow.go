package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"longarm/push/engine"
)

type (
	listenFunc = func(ctx context.Context, filter string) (<-chan engine.Doc, error)
	tookFunc   = func(ctx context.Context, d engine.Doc) error
)

// follow starts one goroutine for each thing that others may change.
func (s *Service) follow(ctx context.Context, wg *sync.WaitGroup) error {
	follow := func(listen listenFunc, filter string, took tookFunc) error {
		docs, err := listen(ctx, filter)
		if err != nil {
			return err
		}
		wg.Go(func() {
			for d := range docs {
				if err := took(ctx, d); err != nil && ctx.Err() == nil {
					s.log.Warn("change not taken over", "subject", d.Subject, "err", err)
				}
			}
		})
		return nil
	}
	for _, f := range []struct {
		filter string
		took   tookFunc
	}{
		{"call.>", s.callChanged}, {"container.>", s.containerChanged}, {"state.>", s.standingChanged}, {"auth.>", s.tokenChanged},
	} {
		took := func(ctx context.Context, d engine.Doc) error {
			if d.Subject == "" { // the watch lost something
				return s.load(ctx)
			}
			return f.took(ctx, d)
		}
		if err := follow(s.engine.Watch, f.filter, took); err != nil {
			return err
		}
	}
	for filter, took := range map[string]tookFunc{
		"beat.>": s.beatElsewhere, "renew.>": s.renewedElsewhere, "report.>": s.reportElsewhere,
	} {
		if err := follow(s.engine.Subscribe, filter, took); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) callChanged(_ context.Context, d engine.Doc) error {
	c, err := decodeCall(d)
	if err != nil {
		return err
	}
	s.saw(&c)
	s.tellCall(&c)
	return nil
}

func (s *Service) containerChanged(ctx context.Context, d engine.Doc) error {
	b, err := s.readContainer(d)
	if err != nil {
		return err
	}
	state, err := s.engine.Last(ctx, stateSubject(b.id)) // its wake may have come before the container's
	if err == nil {
		err = s.readStanding(b, state)
	} else if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	s.tellContainer(ctx, b)
	return err
}

func (s *Service) standingChanged(ctx context.Context, d engine.Doc) error {
	b := s.boxes.at(lastToken(d.Subject))
	if b == nil {
		return nil // its registration is on the way, and asks for it
	}
	err := s.readStanding(b, d)
	s.tellContainer(ctx, b)
	return err
}

func (s *Service) beatElsewhere(_ context.Context, d engine.Doc) error {
	return s.elsewhere(d, func(b *box) { b.heard("", time.Now()) })
}

func (s *Service) renewedElsewhere(_ context.Context, d engine.Doc) error {
	if string(d.Data) != s.replica {
		s.clocks.renew("call." + strings.TrimPrefix(d.Subject, "renew."))
	}
	return nil
}

func (s *Service) reportElsewhere(ctx context.Context, d engine.Doc) error {
	if b := s.boxes.at(lastToken(d.Subject)); b != nil {
		b.reported(d.Data)
		s.tellContainer(ctx, b)
	}
	return nil
}

func (s *Service) elsewhere(d engine.Doc, took func(b *box)) error {
	if b := s.boxes.at(lastToken(d.Subject)); b != nil && string(d.Data) != s.replica {
		took(b)
	}
	return nil
}

func (s *Service) loadCalls(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "call.>")
	if err != nil {
		return fmt.Errorf("list open calls: %w", err)
	}
	for _, d := range docs {
		c, err := decodeCall(d)
		if err != nil {
			return err
		}
		s.saw(&c)
		if c.Closed { // a crash came between closing and filing it
			if err := s.file(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) loadContainers(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "container.>")
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for _, d := range docs {
		if _, err := s.readContainer(d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) readContainer(d engine.Doc) (*box, error) {
	var reg registration
	if err := json.Unmarshal(d.Data, &reg); err != nil {
		return nil, fmt.Errorf("decode %s: %w", d.Subject, err)
	}
	return s.putContainer(reg, d.Revision), nil
}

// putContainer takes over a version of a registration.
func (s *Service) putContainer(reg registration, rev uint64) *box {
	b, news := s.boxes.put(reg, rev)
	if news {
		s.restoreSeen(b)
		s.timers.set(boxTimer+token(b.id), time.Now()) // its limit may be another one now
	}
	return b
}

func (s *Service) loadStandings(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "state.>")
	if err != nil {
		return fmt.Errorf("list states: %w", err)
	}
	for _, d := range docs {
		if b := s.boxes.at(lastToken(d.Subject)); b != nil {
			if err := s.readStanding(b, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// fire does what a timer was set for.
func (s *Service) fire(ctx context.Context, key string) {
	kind, what, _ := strings.Cut(key, "/")
	switch kind + "/" {
	case callTimer:
		s.callDue(ctx, what)
	case boxTimer:
		s.boxDue(ctx, what)
	case idemTimer:
		s.forgetAnswer(ctx, what)
	}
}
