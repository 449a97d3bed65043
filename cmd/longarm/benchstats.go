package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spread is what is told of many measurements of one thing.
type spread struct {
	n        int
	p50, p99 time.Duration
}

func spreadOf(times []time.Duration) spread {
	sorted := slices.Sorted(slices.Values(times))
	return spread{len(sorted), percentile(sorted, 50), percentile(sorted, 99)}
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", inMillis(s.p50), inMillis(s.p99))
}

// percentile is the least of the sorted values that p of 100 are not above
// (nearest rank); 0 of none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

func inMillis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64) + " ms"
}

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// traffic is what an interface has received: IP bytes on the loopback, which
// counts each packet once.
type traffic struct{ bytes, packets int64 }

func (t traffic) since(before traffic) traffic {
	return traffic{t.bytes - before.bytes, t.packets - before.packets}
}

// hourly is what bytes in that window come to in an hour.
func hourly(bytes int64, window time.Duration) int64 {
	return int64(float64(bytes) * float64(time.Hour) / float64(window))
}

// parseDev takes one interface's receive counters out of /proc/net/dev
// (proc_pid_net(5)).
func parseDev(text, name string) (traffic, error) {
	for line := range strings.Lines(text) {
		at, counters, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(at) != name {
			continue
		}
		var t traffic
		if _, err := fmt.Sscan(counters, &t.bytes, &t.packets); err != nil {
			return t, fmt.Errorf("counters of %s: %w", name, err)
		}
		return t, nil
	}
	return traffic{}, fmt.Errorf("no interface %s", name)
}

// parseStatus takes a size in KiB out of /proc/PID/status (proc_pid_status(5)).
func parseStatus(text, key string) (int64, error) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name != key {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(value), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || unit != "kB" {
			return 0, fmt.Errorf("%s is no size in kB: %q", key, strings.TrimSpace(value))
		}
		return n, nil
	}
	return 0, fmt.Errorf("no %s", key)
}
