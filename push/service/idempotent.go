package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"longarm/push/engine"
)

// answerLife is how long an Idempotency-Key is known.
const answerLife = 24 * time.Hour

// idempotent is the document idem.<token>.<hash of the key>, or idem.box.<container>.<hash of the id> of a container's
// request. It is written before the call is, so that a repetition finds the same message id whatever happened in between.
type idempotent struct {
	Hash      string    `json:"hash"` // of what was asked for
	MessageID string    `json:"messageId"`
	At        time.Time `json:"at"`
	Expires   time.Time `json:"expires,omitzero"` // no call is made after this, although none is found
}

var (
	// errOtherCall says that the key or id was used before to ask for something else.
	errOtherCall = errors.New("used for another call: want a new one for each call")
	// errTooLate says that the request is known, but no call of it, and that one would come too late.
	errTooLate = errors.New("expired")
)

// createOnce makes the call unless the same request with the same key made it before.
func (s *Service) createOnce(ctx context.Context, w http.ResponseWriter, r *http.Request, b *box, c *call, key string) {
	if len(key) > 255 {
		fail(w, http.StatusBadRequest, "Idempotency-Key: want at most 255 bytes")
		return
	}
	subject := "idem." + token(tokenOf(r).ID) + "." + hashKey(key)
	hash := hashKey(fmt.Sprintf("%s\n%d\n%s", token(b.id), c.Life, c.Data))
	err := s.once(ctx, subject, idempotent{Hash: hash}, c, func() error { return s.mayCall(ctx, b) })
	if errors.Is(err, errOtherCall) {
		fail(w, http.StatusConflict, "Idempotency-Key was "+err.Error())
		return
	}
	if err != nil {
		s.failCall(ctx, w, err)
		return
	}
	s.accepted(w, c)
}

// once makes the call unless a request of that subject made it before; afterwards c has the message id of the one that
// there is. Only a request that is new is asked whether it may.
func (s *Service) once(ctx context.Context, subject string, mine idempotent, c *call, may func() error) error {
	mine.MessageID, mine.At = c.ID, time.Now().UTC()
	prior, err := s.reserveAnswer(ctx, subject, mine, may)
	if err != nil {
		return err
	}
	if prior.Hash != mine.Hash {
		return errOtherCall
	}
	c.ID = prior.MessageID
	_, err = s.findCall(ctx, callSubject(c.Container, c.ID))
	if !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	if !prior.Expires.IsZero() && time.Now().After(prior.Expires) {
		return errTooLate
	}
	if err = s.writeCall(ctx, c); errors.Is(err, engine.ErrConflict) {
		return nil // the same request at the same time
	}
	return err
}

// reserveAnswer stores mine, or returns what was stored before. A refusal is not kept: the next try may fare better.
func (s *Service) reserveAnswer(ctx context.Context, subject string, mine idempotent, may func() error) (idempotent, error) {
	d, err := s.engine.Last(ctx, subject)
	if errors.Is(err, engine.ErrNotFound) {
		if err := may(); err != nil {
			return idempotent{}, err
		}
		data, err := json.Marshal(mine)
		if err != nil {
			return idempotent{}, fmt.Errorf("encode %s: %w", subject, err)
		}
		if _, err = s.engine.Append(ctx, subject, data, 0); err == nil {
			s.timers.set(idemTimer+subject, time.Now().Add(answerLife))
			return mine, nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return idempotent{}, err
		}
		d, err = s.engine.Last(ctx, subject) // the same request at the same time
		if err != nil {
			return idempotent{}, err
		}
	} else if err != nil {
		return idempotent{}, err
	}
	var prior idempotent
	if err := json.Unmarshal(d.Data, &prior); err != nil {
		return idempotent{}, fmt.Errorf("decode %s: %w", subject, err)
	}
	return prior, nil
}

// loadIdempotent sets the timers that forget the keys.
func (s *Service) loadIdempotent(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "idem.>")
	if err != nil {
		return fmt.Errorf("list idempotency keys: %w", err)
	}
	for _, d := range docs {
		var kept idempotent
		if err := json.Unmarshal(d.Data, &kept); err != nil {
			return fmt.Errorf("decode %s: %w", d.Subject, err)
		}
		s.timers.set(idemTimer+d.Subject, time.Now().Add(clamp(time.Until(kept.At.Add(answerLife)), answerLife)))
	}
	return nil
}

func (s *Service) forgetAnswer(ctx context.Context, subject string) {
	ctx, cancel := work(ctx)
	defer cancel()
	d, err := s.engine.Last(ctx, subject)
	if err == nil {
		err = s.engine.Purge(ctx, subject, d.Revision)
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		s.log.Warn("idempotency key not forgotten", "err", err)
	}
}
