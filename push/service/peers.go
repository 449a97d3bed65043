package service

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	peerMemory  = 24 * time.Hour // an instance that comes back after this was moved on purpose
	maxPeers    = 16             // more than a person can choose from
	maxInstance = 128            // bytes of x-longarm-instance
	minPrefix   = 4              // characters that may stand for an instance
)

// notPicked is what the other instances are told while one is picked.
const notPicked = "conflict: this container belongs to another instance, an operator picked it"

// met takes note that an instance was heard; when there are too many the one that is silent for longest is forgotten, but
// never the picked one. The caller holds mu.
func (b *box) met(instance string, at time.Time) {
	if instance == "" {
		return
	}
	if _, known := b.peers[instance]; !known && len(b.peers) >= maxPeers {
		others := slices.DeleteFunc(slices.Collect(maps.Keys(b.peers)), func(id string) bool { return id == b.standing.Picked })
		delete(b.peers, slices.MinFunc(others, func(x, y string) int { return b.peers[x].Compare(b.peers[y]) }))
	}
	if b.peers == nil {
		b.peers = map[string]time.Time{}
	}
	b.peers[instance] = at
}

// alternates reports whether another instance than this one, the latest, is there too: because that one's poll is still
// open, or because this one was here before it and since an operator decided. One that signed off is not there: a box
// whose state dir is broken goes by another name until it is mended. The caller holds mu.
func (b *box) alternates(instance string, now time.Time) bool {
	before := b.peers[instance]
	other := b.instance != "" && b.instance != instance
	open := slices.ContainsFunc(b.polls, func(p *poll) bool { return p.instance == b.instance && !p.deaf })
	left := b.standing.State == stateSignedOff && b.standing.Instance == b.instance
	return other && (open || !left && before.After(b.standing.Decided) && now.Sub(before) < peerMemory)
}

// refuses says whether an operator picked another instance than this one, and takes note of one that is refused.
func (b *box) refuses(instance string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	refused := b.standing.refuses(instance)
	if refused {
		b.met(instance, now)
	}
	return refused
}

// deafen takes all open polls out of the game, or those of instances that were not picked. The caller holds mu.
func (b *box) deafen(all bool) {
	for _, p := range b.polls {
		p.deaf = p.deaf || all || b.standing.refuses(p.instance)
	}
	if b.newest == nil || !b.newest.deaf {
		return
	}
	b.newest = nil
	for _, p := range b.polls {
		if !p.deaf {
			b.newest = p
		}
	}
}

// refusedAlone is the refused instance that was heard after the picked one, when no poll that counts is open; else "".
// The caller holds mu.
func (b *box) refusedAlone() string {
	if b.standing.Picked == "" || b.held() {
		return ""
	}
	latest := b.standing.Picked
	for instance, at := range b.peers {
		if at.After(b.peers[latest]) {
			latest = instance
		}
	}
	if latest == b.standing.Picked {
		return ""
	}
	return latest
}

// choices are the instances that were heard.
func (b *box) choices() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.peers)
}

// choose finds the instance that an operator means: one that was seen, or the only one that begins so; "" is nobody. Otherwise
// it says what is wrong.
func (b *box) choose(ask string) (instance string, status int, wrong string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, seen := b.peers[ask]; seen || ask == "" {
		return ask, 0, ""
	}
	var seen, fit []string
	for _, peer := range b.instances() {
		seen = append(seen, peer.Instance)
		if strings.HasPrefix(peer.Instance, ask) {
			fit = append(fit, peer.Instance)
		}
	}
	list := "none was seen yet"
	if len(seen) > 0 {
		list = "seen: " + strings.Join(seen, ", ")
	}
	switch {
	case len(fit) == 0:
		return "", http.StatusNotFound, fmt.Sprintf("no instance %q of this container; %s", ask, list)
	case len(ask) < minPrefix:
		return "", http.StatusBadRequest, fmt.Sprintf("want at least %d characters of the instance; %s", minPrefix, list)
	case len(fit) > 1:
		return "", http.StatusBadRequest, fmt.Sprintf("more than one instance begins with %q; %s", ask, list)
	}
	return fit[0], 0, ""
}
