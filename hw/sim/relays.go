package sim

import (
	"fmt"
	"sync"
)

// Relays is a stand-in for a relay board of any family. It speaks no bytes: it remembers
// what its channels were set to, all inactive at first. Safe for concurrent use.
type Relays struct {
	mu     sync.Mutex
	active []bool
}

// NewRelays makes a stand-in with so many channels.
func NewRelays(channels int) *Relays { return &Relays{active: make([]bool, channels)} }

// Channel gives a channel, counted from 1; the error names the bound.
func (r *Relays) Channel(n int) (*Relay, error) {
	if n < 1 || n > len(r.active) {
		return nil, fmt.Errorf("simulated board: channel %d: want 1 to %d", n, len(r.active))
	}
	return &Relay{r, n - 1}, nil
}

// Relay is one channel of a stand-in.
type Relay struct {
	board *Relays
	i     int
}

// Set moves the relay. The proof is always "sim"; why is not used.
func (r *Relay) Set(active bool, why string) (proof string, err error) {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	r.board.active[r.i] = active
	return r.Proof(), nil
}

// Active is the relay's level; it is always known.
func (r *Relay) Active() (active, known bool, err error) {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return r.board.active[r.i], true, nil
}

// Proof says that nothing real is read.
func (r *Relay) Proof() string { return "sim" }
