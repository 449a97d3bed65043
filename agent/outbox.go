package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
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

// maxOwed bounds the answers that wait in memory and in the journal. Beyond it
// the oldest is given up: its service takes calls out, but no answers in.
const maxOwed = 1024

// maxChoked bounds the refused answers of one pass.
const maxChoked = 8

// outbox delivers answers, oldest first, until the service has taken each (a
// 200 with an envelope). The journal holds them across restarts.
type outbox struct {
	link    reporter
	journal *journal.Journal
	log     *slog.Logger
	guard   func(worker string, limit time.Duration) (done func())

	mu    sync.Mutex
	queue []pending
	kick  chan struct{} // cap 1
	turn  chan struct{} // cap 1: who holds it delivers
}

func newOutbox(link reporter, j *journal.Journal, log *slog.Logger, w *Watchdog) *outbox {
	return &outbox{link: link, journal: j, log: log, guard: w.Guard, kick: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// add owes an answer; one that is owed already is not owed twice.
func (b *outbox) add(p pending) {
	defer kick(b.kick)
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.queue, p.same) {
		return
	}
	b.queue = append(b.queue, p)
	if len(b.queue) > maxOwed {
		b.giveUp(b.queue[0])
		b.queue = b.queue[1:]
	}
}

func (p pending) same(q pending) bool { return push.EqualID(p.id, q.id) }

// giveUp takes an answer out of the journal too.
func (b *outbox) giveUp(p pending) {
	b.log.Error("too many answers are owed, the oldest is given up", "call", p.id, "owed", maxOwed)
	if err := b.journal.Reported(p.id); err != nil {
		b.log.Warn("answer given up, but not marked so", "call", p.id, "err", err)
	}
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

// Pauses between tries, with full jitter: a service that comes back must not
// meet a whole fleet at once, and a person is waiting.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 2 * time.Minute
)

// run delivers until ctx ends: at once when something is added or the service
// was reached (kick), and again after a growing pause while something is left.
func (b *outbox) run(ctx context.Context) {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	var trouble troubleLog
	pause := firstRetry
	for {
		err := b.deliver(ctx)
		switch {
		case err == nil && trouble.over():
			b.log.Info("results delivered again", "failures", trouble.count)
			fallthrough
		case err == nil:
			trouble.reset()
			pause = firstRetry
			retry.Stop()
		default:
			if trouble.first("result") && ctx.Err() == nil {
				b.log.Warn("result not delivered, trying again with growing pauses", "owed", b.len(), "err", err)
			}
			retry.Reset(rand.N(pause))
			pause = min(2*pause, lastRetry)
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
func (b *outbox) flush(ctx context.Context) error { return b.deliver(ctx) }

// deliver tries each pending answer once; nil says that all are gone. An
// answer that the service refuses goes to the end of the queue; any other
// trouble meets the next one as well.
func (b *outbox) deliver(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var last error
	refused := 0
	for range b.len() {
		p, ok := b.head()
		if !ok {
			break
		}
		err := b.send(ctx, p)
		b.drop(p)
		if err == nil {
			continue
		}
		b.owe(p)
		last = err
		if refused++; !choked(err) || refused >= maxChoked {
			break
		}
	}
	return last
}

// choked tells that the service answered, and did not want this one answer.
func choked(err error) bool {
	refusal, ok := errors.AsType[*push.Refusal](err)
	return ok && refusal.Status >= 400 && refusal.Status < 500 && refusal.Status != 401 && refusal.Status != 429
}

// send delivers one answer.
func (b *outbox) send(ctx context.Context, p pending) error {
	r, err := push.ParseReply(p.body) // a result has the envelope's shape
	if err != nil {
		b.log.Error("stored result is unreadable and was dropped", "call", p.id, "err", err)
		return nil
	}
	done := b.guard("outbox", 2*ackLimit)
	reply, err := b.link.Result(ctx, p.container, p.id, push.Result(r))
	done()
	if err != nil {
		return err
	}
	if !reply.Success {
		b.log.Warn("the service did not want a result", "call", p.id, "message", reply.Message)
	}
	if err := b.journal.Reported(p.id); err != nil {
		b.log.Warn("result delivered, but not marked so", "call", p.id, "err", err)
	}
	return nil
}

func (b *outbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

func (b *outbox) head() (pending, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return pending{}, false
	}
	return b.queue[0], true
}

func (b *outbox) drop(p pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = slices.DeleteFunc(b.queue, p.same)
}

// owe puts an answer at the end, so that one that the service chokes on does
// not hold back the others.
func (b *outbox) owe(p pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, p)
}
