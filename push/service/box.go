package service

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"longarm/push"
)

// registration is the document container.<id>: what is known of a container for good.
type registration struct {
	Object  push.Container `json:"object"`
	KeyHash string         `json:"keyHash"` // hex SHA-256
	Added   time.Time      `json:"added"`
	MayCall []string       `json:"mayCall,omitempty"` // its grants: ids of containers; only an operator sets them
}

// limit is how long the container may be silent (protocol.md 6).
func (r *registration) limit() time.Duration {
	if r.Object.MaxHeartbeatTimeout > 0 {
		return time.Duration(r.Object.MaxHeartbeatTimeout) * time.Minute
	}
	return push.DefaultTimeout
}

// box is one container as this process sees it at the moment.
type box struct {
	id string // as it was registered

	mu       sync.Mutex
	reg      registration
	regRev   uint64
	standing standing
	standRev uint64

	polls    []*poll
	newest   *poll                // the only one that may get calls
	seen     time.Time            // last heartbeat
	base     time.Time            // silence is counted from here
	late     bool                 // silent for so long that it was said
	overlaps int                  // polls in a row that ended while a newer one was open
	clash    bool                 // two instances, not yet written down
	instance string               // of our agent, the latest
	peers    map[string]time.Time // the instances that were heard, and when last
	report   json.RawMessage
	calling  time.Time // when the next of its own calls is due, see nextCall
}

// poll is one held request.
type poll struct {
	n          uint64 // x-longarm-poll, 0 without
	instance   string // x-longarm-instance
	dedupe     bool   // x-longarm-dedupe: 1
	wakes      chan struct{}
	deaf       bool // open when its container signed off, or older than that: gets nothing, counts for nothing
	superseded bool // a newer poll came
}

// wake makes every open poll look at the queue again.
func (b *box) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wakeLocked()
}

func (b *box) wakeLocked() {
	for _, p := range b.polls {
		select {
		case p.wakes <- struct{}{}:
		default: // it is about to look
		}
	}
}

// mayTake says whether the poll may be given a call now.
func (b *box) mayTake(p *poll) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := &b.standing
	return b.newest == p && !p.deaf && st.State != stateSignedOff &&
		!b.clash && !st.Conflict && (st.Picked == "" || st.Picked == p.instance)
}

// arrive takes note of a poll that starts. It reports whether two instances alternate for the first time.
func (b *box) arrive(p *poll, now time.Time) (clash bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.instance != "" && b.standing.Picked == "" {
		clash = b.alternates(p.instance, now) && !b.clash && !b.standing.Conflict
		b.clash = b.clash || clash
		b.instance = p.instance
	}
	b.met(p.instance, now)
	p.deaf = b.standing.State == stateSignedOff && !b.standing.signsOn(p) || b.standing.refuses(p.instance)
	b.polls = append(b.polls, p)
	if p.deaf {
		return clash
	}
	if b.newest != nil {
		b.newest.superseded = true
	}
	b.newest = p
	return clash
}

// leave takes note of a poll that is over and reports whether it counts. The deadline of the silence counts from here in any
// case, a heartbeat is only what the client lives to take.
func (b *box) leave(p *poll, how outcome, now time.Time) (counts bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.polls = slices.DeleteFunc(b.polls, func(other *poll) bool { return other == p })
	if b.newest == p {
		b.newest = nil
	}
	if p.deaf {
		return false
	}
	b.base = now
	switch {
	case how == ranOut && p.superseded && p.instance == "": // our agent says who it is
		b.overlaps++
	case how == ranOut || how == took:
		b.overlaps = 0
	}
	return true
}

// twoDevices says that two clients without instances use this container (protocol.md 3): one poll that ended beside a newer one is a
// reconnect, two in a row are not. The caller holds mu.
func (b *box) twoDevices() bool { return b.overlaps >= 2 }

// held says whether a poll that counts is open. The caller holds mu.
func (b *box) held() bool {
	return slices.ContainsFunc(b.polls, func(p *poll) bool { return !p.deaf })
}

func (b *box) registered() registration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reg
}
