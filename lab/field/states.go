package field

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// States is what the service has told of one container since Hear: each change of its
// state, with the reason, as "signed-off power-fail".
type States struct {
	mu   sync.Mutex
	list []string
}

// Hear listens to the service's events until t ends. It returns when the service hears it.
func (s *Service) Hear(t testing.TB, container string) *States {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.api.base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	client := &http.Client{Transport: s.api.client.Transport} // no limit: it lasts as long as t
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("events: %v", err)
	}
	in := bufio.NewReader(resp.Body)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatalf("events: %v", err)
	}
	heard, done := &States{}, make(chan struct{})
	go func() { defer close(done); heard.read(in, container) }()
	t.Cleanup(func() { cancel(); <-done; _ = resp.Body.Close() })
	return heard
}

func (h *States) read(in *bufio.Reader, container string) {
	kind := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if k, ok := strings.CutPrefix(line, "event: "); ok {
			kind = k
		}
		data, ok := strings.CutPrefix(line, "data: ")
		var c Container
		if !ok || kind != "container" || json.Unmarshal([]byte(data), &c) != nil || c.ID != container {
			continue
		}
		h.add(strings.TrimSpace(c.State + " " + c.Reason))
	}
}

// add notes a state; one that was the last already is no change.
func (h *States) add(state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) == 0 || h.list[len(h.list)-1] != state {
		h.list = append(h.list, state)
	}
}

// Heard are the states so far, oldest first.
func (h *States) Heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// Await waits until the last state is that one.
func (h *States) Await(t testing.TB, state string, limit time.Duration) {
	t.Helper()
	Until(t, "the service tells "+state, limit, func() bool {
		list := h.Heard()
		return len(list) > 0 && list[len(list)-1] == state
	})
}
