package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"longarm/push"
	"longarm/push/engine"
)

// errTaken says that another container has the id or the name.
var errTaken = errors.New("taken by another container")

// reservation is the document name.<name>: names are unique because it is made with compare-and-set.
type reservation struct {
	ID string `json:"id"`
}

// addContainer stores a new registration; errTaken when its id or its name is in use.
func (s *Service) addContainer(ctx context.Context, reg registration) (*box, error) {
	ctx, cancel := work(ctx)
	defer cancel()
	if s.boxes.find(reg.Object.ID) != nil {
		return nil, fmt.Errorf("id %q: %w", reg.Object.ID, errTaken)
	}
	if err := s.reserve(ctx, reg.Object); err != nil {
		return nil, err
	}
	reg.Added = time.Now().UTC()
	b, err := s.writeContainer(ctx, reg, 0)
	if errors.Is(err, engine.ErrConflict) {
		return nil, errors.Join(fmt.Errorf("id %q: %w", reg.Object.ID, errTaken), s.release(ctx, reg.Object))
	}
	return b, err
}

func (s *Service) writeContainer(ctx context.Context, reg registration, rev uint64) (*box, error) {
	data, err := json.Marshal(reg)
	if err != nil {
		return nil, fmt.Errorf("encode container %s: %w", reg.Object.ID, err)
	}
	rev, err = s.engine.Append(ctx, containerSubject(reg.Object.ID), data, rev)
	if err != nil {
		return nil, err
	}
	return s.putContainer(reg, rev), nil
}

// reserve takes the name for the container; errTaken when a container that exists has it. A reservation without a container is
// what a crash left behind, and is taken over.
func (s *Service) reserve(ctx context.Context, c push.Container) error {
	taken := fmt.Errorf("name %q: %w", c.Name, errTaken)
	if other := s.boxes.find(c.Name); other != nil && token(other.id) != token(c.ID) {
		return taken // a name that is another's id would hide one of the two
	}
	data, err := json.Marshal(reservation{ID: c.ID})
	if err != nil {
		return fmt.Errorf("encode name: %w", err)
	}
	var rev uint64
	for {
		_, err := s.engine.Append(ctx, nameSubject(c.Name), data, rev)
		if !errors.Is(err, engine.ErrConflict) {
			return err
		}
		d, err := s.engine.Last(ctx, nameSubject(c.Name))
		if errors.Is(err, engine.ErrNotFound) {
			rev = 0
			continue
		}
		if err != nil {
			return err
		}
		var held reservation
		if err := json.Unmarshal(d.Data, &held); err != nil {
			return fmt.Errorf("decode %s: %w", d.Subject, err)
		}
		if token(held.ID) == token(c.ID) {
			return nil
		}
		if inUse, err := s.usesName(ctx, held.ID, c.Name); err != nil || inUse {
			return errors.Join(err, taken)
		}
		rev = d.Revision
	}
}

func (s *Service) usesName(ctx context.Context, id, name string) (bool, error) {
	d, err := s.engine.Last(ctx, containerSubject(id))
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var reg registration
	if err := json.Unmarshal(d.Data, &reg); err != nil {
		return false, fmt.Errorf("decode %s: %w", d.Subject, err)
	}
	return fold(reg.Object.Name) == fold(name), nil
}

// release gives a container's name back.
func (s *Service) release(ctx context.Context, c push.Container) error {
	d, err := s.engine.Last(ctx, nameSubject(c.Name))
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var held reservation
	if err := json.Unmarshal(d.Data, &held); err != nil || token(held.ID) != token(c.ID) {
		return err
	}
	return s.engine.Purge(ctx, d.Subject, d.Revision)
}

// updateContainer lets alter change the registration of a container; its id stays.
func (s *Service) updateContainer(ctx context.Context, b *box, alter func(reg *registration) error) (push.Container, error) {
	ctx, cancel := work(ctx)
	defer cancel()
	for {
		d, err := s.engine.Last(ctx, containerSubject(b.id))
		if err != nil {
			return push.Container{}, err
		}
		var reg registration
		if err := json.Unmarshal(d.Data, &reg); err != nil {
			return push.Container{}, fmt.Errorf("decode %s: %w", d.Subject, err)
		}
		old := reg.Object
		if err := alter(&reg); err != nil {
			return push.Container{}, err
		}
		reg.Object.ID = old.ID
		renamed := fold(old.Name) != fold(reg.Object.Name)
		if renamed {
			if err := s.reserve(ctx, reg.Object); err != nil {
				return push.Container{}, err
			}
		}
		_, err = s.writeContainer(ctx, reg, d.Revision)
		if errors.Is(err, engine.ErrConflict) {
			continue
		}
		if err == nil && renamed {
			err = s.release(ctx, old)
		}
		return reg.Object, err
	}
}

const (
	maxName    = 128
	maxButtons = 100
	maxMinutes = 366 * 24 * 60
	// warnMinutes: below this a reconnect or an update of the service may look like an outage (protocol.md 6).
	warnMinutes = 5
)

// checkContainer says in one sentence what is wrong with an object and what would be right, or "".
func checkContainer(c *push.Container) string {
	switch {
	case strings.TrimSpace(c.Name) == "" || len(c.Name) > maxName || clean(c.Name, maxName) != c.Name:
		return "name: want 1 to 128 bytes of text without control characters or blanks at its ends"
	case len(c.ID) > maxName || clean(c.ID, maxName) != c.ID:
		return "id: want at most 128 bytes of text without control characters"
	case c.MaxHeartbeatTimeout < 0 || c.MaxHeartbeatTimeout > maxMinutes:
		return fmt.Sprintf("maxHeartbeatTimeout: want minutes, 1 to %d, or 0 for %d", maxMinutes, int(push.DefaultTimeout/time.Minute))
	case len(c.Action.Buttons) > maxButtons:
		return fmt.Sprintf("buttons: want at most %d", maxButtons)
	}
	for _, b := range c.Action.Buttons {
		if strings.TrimSpace(b.Text) == "" || len(b.Text) > maxName {
			return "buttons: want each with a text of 1 to 128 bytes"
		}
		if len(b.Data) > maxData {
			return fmt.Sprintf("buttons: want data of at most %d bytes", maxData)
		}
	}
	return ""
}
