package field

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Report is what the box last said of itself (protocol.md 6).
type Report struct {
	Targets []struct {
		Name, Load, Detail string
		Active             bool
	}
	Agent struct {
		Version, Cause string
		Faults         []string
	}
}

// Report is the newest report that the service has of the box; the zero value when it has none.
func (b *Box) Report() Report {
	b.t.Helper()
	var r Report
	raw := b.Service.Look(b.t, b.Container.ID).Report
	if len(raw) == 0 {
		return r
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		b.t.Fatalf("report %s: %v", raw, err)
	}
	return r
}

// Load is what the report says of a target: "on", "off", "unknown", "" when it names none such.
func (r Report) Load(target string) string {
	for _, t := range r.Targets {
		if t.Name == target {
			return t.Load
		}
	}
	return ""
}

// Fault is the first fault of the report that contains text, or "".
func (r Report) Fault(text string) string {
	i := slices.IndexFunc(r.Agent.Faults, func(f string) bool { return strings.Contains(f, text) })
	if i < 0 {
		return ""
	}
	return r.Agent.Faults[i]
}

// SendFor queues a call with that life; err is what the service says against it.
func (s *Service) SendFor(t testing.TB, id, data string, ttl time.Duration) (Call, error) {
	t.Helper()
	var c Call
	err := s.api.do("POST", "/containers/"+id+"/calls", map[string]any{"data": data, "ttl": fmt.Sprintf("%dms", ttl.Milliseconds())}, &c)
	return c, err
}
