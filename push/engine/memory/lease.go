package memory

import (
	"context"
	"time"
)

// lease is who holds a key and until when, on the monotonic clock.
type lease struct {
	holder string
	until  time.Time
}

// Lease takes or renews the key for ttl and reports whether holder has it now; a ttl of 0 gives it back. Leases are not
// written to the file: a restart is a new holder anyway.
func (e *Engine) Lease(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if held, ok := e.leases[key]; ok && held.holder != holder && now.Before(held.until) {
		return false, nil
	}
	if ttl <= 0 {
		delete(e.leases, key)
		return false, nil
	}
	e.leases[key] = lease{holder: holder, until: now.Add(ttl)}
	return true, nil
}
