package agent

import (
	"context"
	"errors"
	"strings"
	"time"

	"longarm/device"
	"longarm/push"
)

// asked is one request for a call to another container.
type asked struct {
	target, id, data string
	ttl              time.Duration
	at               time.Time
}

func (l *fakeLink) Call(ctx context.Context, container, target, id, data string, ttl time.Duration) (push.Reply, error) {
	l.mu.Lock()
	answer, n := l.taken, len(l.asked)
	l.asked = append(l.asked, asked{target, id, data, ttl, time.Now()})
	l.mu.Unlock()
	if container != "" {
		return push.Reply{}, errors.New("call in the name of " + container)
	}
	if l.isDown() {
		return push.Reply{}, errDown
	}
	if answer == nil {
		return push.CallTaken("m1"), nil
	}
	return answer(ctx, n)
}

const lampBox = "7602c7e0-0000-4000-8000-000000000002"

func doorCalls(to string) device.TriggerSpec {
	return device.TriggerSpec{Input: "door", Edge: device.LoadOn, Call: words("siren", "on", "30s"), To: to}
}

// requests is what the service was asked for so far.
func (b *bench) requests() []asked {
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	return append([]asked(nil), b.link.asked...)
}

// answers makes the service answer the nth request for a call, counted from 0.
func (b *bench) answers(f func(ctx context.Context, n int) (push.Reply, error)) {
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	b.link.taken = f
}

// told1 is the newest report's only event in words, with its detail.
func (b *bench) told1() (words, detail string) {
	b.t.Helper()
	words = b.told()
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	if len(b.link.events) == 1 {
		detail = b.link.events[0].Detail
	}
	return words, detail
}

func (b *bench) wantTold(want, detail string) {
	b.t.Helper()
	got, said := b.told1()
	if got != want || !strings.Contains(said, detail) {
		b.t.Errorf("told %q, detail %q; want %q, %q", got, said, want, detail)
	}
	if open := b.journal.Unreported(); len(open) != 0 {
		b.t.Errorf("still owed after it was told: %+v", open)
	}
}

// wantOneCall holds that all requests are for the same call and none claims
// more life than is left of it.
func (b *bench) wantOneCall(since time.Time) {
	b.t.Helper()
	for i, r := range b.requests() {
		first := b.requests()[0]
		if r.id != first.id || r.target != first.target || r.data != first.data {
			b.t.Errorf("request %d is %+v, want the call of %+v", i, r, first)
		}
		if left := remoteLife - r.at.Sub(since); r.ttl > left || r.ttl < left-time.Millisecond {
			b.t.Errorf("request %d says a life of %s, want %s", i, r.ttl, left)
		}
	}
}
