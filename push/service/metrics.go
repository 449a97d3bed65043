package service

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// counts is what happened since the start.
type counts struct {
	polls, putBacks, lostClaims, engineErrors, beats atomic.Int64
	lastHeard                                        atomic.Int64 // Unix milliseconds

	mu       sync.Mutex
	calls    map[State]int64
	refusals map[int]int64
}

func (c *counts) heard(now time.Time) {
	c.beats.Add(1)
	c.lastHeard.Store(now.UnixMilli())
}

func (c *counts) call(to State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[State]int64{}
	}
	c.calls[to]++
}

func (c *counts) refused(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = map[int]int64{}
	}
	c.refusals[status]++
}

// serveMetrics is GET /metrics, the Prometheus text format 0.0.4. It names no container and needs no token.
func (s *Service) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	metric := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	plain := func(name, kind, help string, value int64) {
		metric(name, kind, help)
		fmt.Fprintf(&b, "%s %d\n", name, value)
	}
	c := &s.counts
	plain("longarm_polls_total", "counter", "Polls that were let in.", c.polls.Load())
	plain("longarm_polls_open", "gauge", "Polls that wait now.", int64(s.polls.count()))
	plain("longarm_heartbeats_total", "counter", "Heartbeats of containers.", c.beats.Load())
	plain("longarm_calls_put_back_total", "counter", "Calls put back because their client was gone.", c.putBacks.Load())
	plain("longarm_claims_lost_total", "counter", "Claims that another poll won.", c.lostClaims.Load())
	plain("longarm_engine_errors_total", "counter", "Requests that met trouble of the storage.", c.engineErrors.Load())
	plain("longarm_listeners", "gauge", "Operators that wait for a call or watch events.", int64(s.hub.count()))
	if last := c.lastHeard.Load(); last != 0 {
		metric("longarm_last_heartbeat_age_seconds", "gauge", "Time since any container was heard.")
		fmt.Fprintf(&b, "longarm_last_heartbeat_age_seconds %.3f\n", time.Since(time.UnixMilli(last)).Seconds())
	}
	c.mu.Lock()
	calls, refusals := maps.Clone(c.calls), maps.Clone(c.refusals)
	c.mu.Unlock()
	metric("longarm_calls_total", "counter", "Calls by the state that they went to.")
	for _, state := range slices.Sorted(maps.Keys(calls)) {
		fmt.Fprintf(&b, "longarm_calls_total{state=%q} %d\n", state, calls[state])
	}
	metric("longarm_refused_total", "counter", "Requests that were refused, by status.")
	for _, status := range slices.Sorted(maps.Keys(refusals)) {
		fmt.Fprintf(&b, "longarm_refused_total{status=%q} %d\n", strconv.Itoa(status), refusals[status])
	}
	s.countContainers(&b, metric)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(b.String())) //nolint:errcheck // the reader is gone, nothing to do
}

func (s *Service) countContainers(b *strings.Builder, metric func(name, kind, help string)) {
	states := map[string]int{stateNew: 0, stateOnline: 0, stateLate: 0, stateOffline: 0, stateSignedOff: 0}
	now := time.Now()
	for _, box := range s.boxes.all() {
		box.mu.Lock()
		states[box.state(now)]++
		box.mu.Unlock()
	}
	metric("longarm_containers", "gauge", "Containers by state.")
	for _, state := range slices.Sorted(maps.Keys(states)) {
		fmt.Fprintf(b, "longarm_containers{state=%q} %d\n", state, states[state])
	}
}
