package agent

import (
	"context"
	"time"

	"longarm/push"
)

// Link is the push service as the agent sees it; push/client satisfies it.
// All methods are safe for concurrent use.
type Link interface {
	poller
	reporter
	caller
	signOffer
}

type poller interface {
	// Poll holds one poll, number n, and returns a call, [push.ErrIdle] or
	// the fault of the exchange. It ends within push.PollLimit.
	Poll(ctx context.Context, n uint64) (push.Call, error)
	// Pause says how long to wait before the next poll after err.
	Pause(err error) time.Duration
	// KeepWarm opens the second connection if it is down: one attempt.
	KeepWarm(ctx context.Context) error
}

type reporter interface {
	Ack(ctx context.Context, containerID, messageID string) (push.Reply, error)
	Result(ctx context.Context, containerID, messageID string, r push.Result) (push.Reply, error)
	State(ctx context.Context, r push.Report) error
	// Greet asks something small where a new connection has answered nothing
	// yet: so Ours is known, and the connection is kept by its server.
	Greet(ctx context.Context) error
	// Ours tells whether the service takes state reports (protocol.md 6).
	Ours() bool
}

type caller interface {
	// Call asks the service for a call of container, "" being this box's own,
	// to target. The same id again asks for the same call.
	Call(ctx context.Context, container, target, id, data string, ttl time.Duration) (push.Reply, error)
}

type signOffer interface {
	// ArmSignOff builds the sign-off in advance, so that SignOff only writes.
	ArmSignOff(reason string, n uint64)
	SignOff(ctx context.Context, reason string, n uint64) error
	// SignOffNow only writes, on the warm connection, and returns how to wait
	// for the reply; nil when it could not write at once.
	SignOffNow(reason string, n uint64) (reply func(ctx context.Context) error)
	// Armed tells whether a warm connection waits for the sign-off.
	Armed() bool
}
