package service

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// timers is a heap of deadlines on the monotonic clock. One goroutine, run, owns the firing; anyone may set and stop.
type timers struct {
	mu    sync.Mutex
	queue entries
	byKey map[string]*entry
	kick  chan struct{}
}

type entry struct {
	key string
	at  time.Time
	pos int
}

func newTimers() *timers {
	return &timers{byKey: map[string]*entry{}, kick: make(chan struct{}, 1)}
}

// set makes key fire at the given time, in place of any earlier setting.
func (t *timers) set(key string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[key]
	if e == nil {
		e = &entry{key: key, at: at}
		t.byKey[key] = e
		heap.Push(&t.queue, e)
	} else {
		e.at = at
		heap.Fix(&t.queue, e.pos)
	}
	if e.pos == 0 {
		select {
		case t.kick <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// stop makes key not fire.
func (t *timers) stop(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byKey[key]; e != nil {
		heap.Remove(&t.queue, e.pos)
		delete(t.byKey, key)
	}
}

// run calls fire for each key when its time has come, one after the other, until ctx ends.
func (t *timers) run(ctx context.Context, fire func(ctx context.Context, key string)) {
	clock := time.NewTimer(0)
	defer clock.Stop()
	for {
		for key, ok := t.next(clock); ok; key, ok = t.next(clock) {
			fire(ctx, key)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.kick:
		case <-clock.C:
		}
	}
}

// next takes the first key that is due; when there is none it winds the clock.
func (t *timers) next(clock *time.Timer) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return "", false
	}
	first := t.queue[0]
	if wait := time.Until(first.at); wait > 0 {
		clock.Reset(wait)
		return "", false
	}
	heap.Pop(&t.queue)
	delete(t.byKey, first.key)
	return first.key, true
}

// entries is a heap.Interface.
type entries []*entry

func (q entries) Len() int           { return len(q) }
func (q entries) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q entries) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

// Push is for package heap.
func (q *entries) Push(x any) {
	e := x.(*entry)
	e.pos = len(*q)
	*q = append(*q, e)
}

// Pop is for package heap.
func (q *entries) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
