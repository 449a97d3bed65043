package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"longarm/push"
)

func TestPause(t *testing.T) {
	network := errors.New("connection refused")
	tests := []struct {
		name      string
		err       error
		low, high time.Duration
	}{
		{"call", nil, 0, 0},
		{"idle", push.ErrIdle, 0, 0},
		{"stopped", context.Canceled, 0, 0},
		{"wrong key", fmt.Errorf("poll: %w", &push.Refusal{Status: 401}), 5 * time.Minute, 5 * time.Minute},
		{"other key", &push.Refusal{Status: 403}, 5 * time.Minute, 5 * time.Minute},
		{"unknown", &push.Refusal{Status: 404, RetryAfter: time.Second}, 5 * time.Minute, 5 * time.Minute},
		{"draining", &push.Refusal{Status: 503, RetryAfter: 20 * time.Second}, 20 * time.Second, 25 * time.Second},
		{"ten years", &push.Refusal{Status: 429, RetryAfter: 87600 * time.Hour}, 15 * time.Minute, 19 * time.Minute},
		{"clock", fmt.Errorf("poll: %w", ErrClock), time.Second, 5 * time.Second},
		{"first failure", network, time.Second, 2 * time.Second},
		{"refused", &push.Refusal{Status: 500}, time.Second, 2 * time.Second},
		{"answered at once", errQuickIdle, time.Second, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				var c Client
				if p := c.Pause(tt.err); p < tt.low || p > tt.high {
					t.Fatalf("got %v, want %v to %v", p, tt.low, tt.high)
				}
			}
		})
	}
}

func TestPauseGrows(t *testing.T) {
	for err, most := range map[error]time.Duration{errors.New("x"): maxPause, errQuickIdle: maxQuickPause} {
		var c Client
		var longest time.Duration
		end := 2 * time.Second
		for range 300 {
			p := c.Pause(err)
			if p < minPause || p > end {
				t.Fatalf("got %v, want 1 s to %v", p, end)
			}
			end = min(2*end, most)
			longest = max(longest, p)
		}
		if longest < most*4/5 {
			t.Errorf("never paused longer than %v, want nearly %v", longest, most)
		}
		c.Pause(push.ErrIdle)
		if p := c.Pause(err); p > 2*time.Second {
			t.Errorf("got %v after a good poll", p)
		}
	}
}
