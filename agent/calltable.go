package agent

import (
	"context"
	"errors"
	"strings"
	"sync"
)

// callTable knows which calls run in this process, so that a duplicate of a
// running call is only acknowledged, and lets the stop wait for them.
type callTable struct {
	mu      sync.Mutex
	running map[string]bool
	slots   chan struct{}
	shut    bool // nothing starts any more
	group   sync.WaitGroup
}

// maxServed bounds the goroutines that a service can make us start.
const maxServed = 256

func newCallTable() *callTable {
	return &callTable{running: map[string]bool{}, slots: make(chan struct{}, maxServed)}
}

// start runs serve in a goroutine of its own. It blocks only while maxServed
// calls are being served; false when ctx ends first, or after wait.
func (t *callTable) start(ctx context.Context, serve func()) bool {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shut {
		<-t.slots
		return false
	}
	t.group.Go(func() {
		defer func() { <-t.slots }()
		serve()
	})
	return true
}

// claim marks id as running; false when it already is.
func (t *callTable) claim(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := strings.ToLower(id)
	if t.running[key] {
		return false
	}
	t.running[key] = true
	return true
}

func (t *callTable) release(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, strings.ToLower(id))
}

func (t *callTable) acting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.running)
}

// wait returns when every call has its answer, or says that some have not. No
// call starts after it.
func (t *callTable) wait(ctx context.Context) error {
	t.mu.Lock()
	t.shut = true
	t.mu.Unlock()
	waitFor(ctx, &t.group)
	if ctx.Err() != nil && t.acting() > 0 {
		return errors.New("calls were still running at the end of the stop budget")
	}
	return nil
}
