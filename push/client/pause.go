package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"longarm/push"
)

// The pauses of protocol.md 7.
const (
	minPause      = time.Second
	maxPause      = 2 * time.Minute
	maxQuickPause = 30 * time.Second // after idle replies that came at once
	maxClockPause = 5 * time.Second  // while the clock is not set
	configPause   = 5 * time.Minute  // after 401, 403 and 404
	// maxRetryAfter bounds what a service can ask for; it is less than
	// push.DefaultTimeout, or an honest box would be called offline.
	maxRetryAfter = 15 * time.Minute
)

// backoff counts failures in a row.
type backoff struct {
	mu     sync.Mutex
	failed int
}

// next gives the upper end of the next pause: 2 s, 4 s, and so on to most.
func (b *backoff) next(most time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = min(b.failed+1, 10)
	return min(minPause<<b.failed, most)
}

func (b *backoff) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = 0
}

// Pause says how long to wait before the next poll when the last one ended
// with err. nil, and an idle reply to a poll that was held, are no failures:
// no pause, and the count of failures starts again. Else it is between 1 s and
// an end that doubles up to 2 min, spread evenly so that a fleet does not come
// back at once; up to 30 s for idle replies that came at once; 5 min for 401,
// 403 and 404; what the service asked for in Retry-After, up to 15 min, plus
// up to a quarter; up to 5 s after [ErrClock].
func (c *Client) Pause(err error) time.Duration {
	refusal, answered := errors.AsType[*push.Refusal](err)
	switch {
	case err == nil, errors.Is(err, push.ErrIdle) && !errors.Is(err, errQuickIdle):
		c.wait.reset()
		return 0
	case errors.Is(err, errQuickIdle):
		return spread(c.wait.next(maxQuickPause))
	case errors.Is(err, ErrClock):
		return spread(maxClockPause)
	case answered && (refusal.Status == 401 || refusal.Status == 403 || refusal.Status == 404):
		return configPause
	case answered && refusal.RetryAfter > 0:
		asked := min(refusal.RetryAfter, maxRetryAfter)
		return asked + rand.N(max(asked/4, minPause))
	case errors.Is(err, context.Canceled):
		return 0
	}
	return spread(c.wait.next(maxPause))
}

// spread draws from minPause up to end.
func spread(end time.Duration) time.Duration {
	return minPause + rand.N(max(end-minPause, 1))
}
