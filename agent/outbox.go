package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// pending is one answer that the service has not taken yet.
type pending struct {
	container, id string
	body          []byte // push.Result as JSON
}

// outbox delivers answers, oldest first, until the service has taken each (a
// 200 with an envelope). The journal holds them across restarts.
type outbox struct {
	link    reporter
	journal *journal.Journal
	log     *slog.Logger

	mu    sync.Mutex
	queue []pending
	kick  chan struct{} // cap 1
	turn  chan struct{} // cap 1: who holds it delivers
}

func newOutbox(link reporter, j *journal.Journal, log *slog.Logger) *outbox {
	return &outbox{link: link, journal: j, log: log, kick: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

func (b *outbox) add(p pending) {
	b.mu.Lock()
	b.queue = append(b.queue, p)
	b.mu.Unlock()
	kick(b.kick)
}

// storedResult is what the journal holds of a call. Old results that the
// service has taken are not kept for ever: such a call is answered unknown.
func storedResult(e journal.Entry) pending {
	body := e.Result
	if body == nil {
		body = result(unknown(device.Answer{Proof: "sent"}, "this id was served before and its answer is no longer kept; nothing moved again")).Append(nil)
	}
	return pending{container: e.Container, id: e.ID, body: body}
}

// run delivers until ctx ends: at once when something is added or the service
// was reached (kick), and every 30 s while something is left.
func (b *outbox) run(ctx context.Context) {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		if !b.deliver(ctx) {
			retry.Reset(30 * time.Second)
		}
		select {
		case <-ctx.Done():
			return
		case <-b.kick:
		case <-retry.C:
		}
	}
}

// flush delivers what is left within ctx; what stays is in the journal.
func (b *outbox) flush(ctx context.Context) error {
	b.deliver(ctx)
	return ctx.Err()
}

// deliver tries each pending answer once and tells whether all are gone.
func (b *outbox) deliver(ctx context.Context) bool {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return false
	}
	for range b.len() {
		p := b.head()
		if !b.send(ctx, p) {
			b.rotate(p)
			return false
		}
		b.drop()
	}
	return b.len() == 0
}

func (b *outbox) send(ctx context.Context, p pending) bool {
	r, err := push.ParseReply(p.body) // a result has the envelope's shape
	if err != nil {
		b.log.Error("stored result is unreadable and was dropped", "call", p.id, "err", err)
		return true
	}
	reply, err := b.link.Result(ctx, p.container, p.id, push.Result(r))
	if err != nil {
		return false
	}
	if !reply.Success {
		b.log.Warn("the service did not want a result", "call", p.id, "message", reply.Message)
	}
	if err := b.journal.Reported(p.id); err != nil {
		b.log.Warn("result delivered, but not marked so", "call", p.id, "err", err)
	}
	return true
}

func (b *outbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

func (b *outbox) head() pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[0]
}

func (b *outbox) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = b.queue[1:]
}

// rotate puts the head at the end, so that one answer that the service
// chokes on does not hold back the others.
func (b *outbox) rotate(p pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue[1:], p)
}
