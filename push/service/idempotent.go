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

// idempotent is the document idem.<token>.<hash of the key>. It is written before the call is, so that a
// repetition finds the same message id whatever happened in between.
type idempotent struct {
	Hash      string    `json:"hash"` // of what was asked for
	MessageID string    `json:"messageId"`
	At        time.Time `json:"at"`
}

// createOnce makes the call unless the same request with the same key made it before.
func (s *Service) createOnce(ctx context.Context, w http.ResponseWriter, r *http.Request, b *box, c *call, key string) {
	if len(key) > 255 {
		fail(w, http.StatusBadRequest, "Idempotency-Key: want at most 255 bytes")
		return
	}
	subject := "idem." + token(tokenOf(r).ID) + "." + hashKey(key)
	hash := hashKey(fmt.Sprintf("%s\n%d\n%s", token(b.id), c.Life, c.Data))
	prior, err := s.reserveAnswer(ctx, w, b, subject, idempotent{Hash: hash, MessageID: c.ID, At: time.Now().UTC()})
	switch {
	case errors.Is(err, errAnswered):
		return
	case err != nil:
		s.failEngine(ctx, w, "keep an idempotency key", err)
		return
	case prior.Hash != hash:
		fail(w, http.StatusConflict, "Idempotency-Key was used for another call: want a new key for each call")
		return
	}
	c.ID = prior.MessageID
	if _, err := s.findCall(ctx, callSubject(c.Container, c.ID)); errors.Is(err, engine.ErrNotFound) {
		err = s.writeCall(ctx, c)
		if err != nil && !errors.Is(err, engine.ErrConflict) {
			s.failEngine(ctx, w, "write a call", err)
			return
		}
	} else if err != nil {
		s.failEngine(ctx, w, "read a call", err)
		return
	}
	s.accepted(w, c)
}

// errAnswered says that the container cannot be called and that the operator was told.
var errAnswered = errors.New("answered")

// reserveAnswer stores mine, or returns what was stored before. A refusal is not kept: the next try may fare better.
func (s *Service) reserveAnswer(ctx context.Context, w http.ResponseWriter, b *box, subject string, mine idempotent) (idempotent, error) {
	d, err := s.engine.Last(ctx, subject)
	if errors.Is(err, engine.ErrNotFound) {
		if s.refuseCall(ctx, w, b) {
			return idempotent{}, errAnswered
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
