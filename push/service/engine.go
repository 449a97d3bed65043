package service

import (
	"context"
	"time"

	"longarm/push/engine"
)

// Engine is what the service needs of its storage: compare-and-set on single documents, a wake, and leases. There are
// no transactions and none are needed. All methods are safe for concurrent use.
//
// A subject is tokens of [a-z0-9=_-] joined by dots. A filter is a subject in which "*" stands for any one token and a
// last ">" for one or more tokens.
type Engine interface {
	Store
	Watcher
	Bus
	Leaser
}

// Store keeps the last document of each subject.
type Store interface {
	// Append writes a document if the subject's last revision is expected; 0 means that there is none yet (or that
	// the last one was purged). It returns the new revision, which is higher than all before it on any subject, once
	// the write is durable; engine.ErrConflict when another writer was first.
	Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error)
	// Last returns the subject's document as every writer sees it, or engine.ErrNotFound.
	Last(ctx context.Context, subject string) (engine.Doc, error)
	// List returns the last document of each subject that the filter matches, in order of revision.
	List(ctx context.Context, filter string) ([]engine.Doc, error)
	// Purge forgets the subject if its last revision is expected; engine.ErrConflict otherwise. Purging what is not
	// there is no error.
	Purge(ctx context.Context, subject string, expected uint64) error
}

// Watcher republishes writes.
type Watcher interface {
	// Watch sends every Append from now on that the filter matches, after the write, in the writer's order for each
	// subject. It never blocks a writer: a watcher that lags loses writes, and then gets a Doc without a subject.
	// A write may also be lost silently. Purges are not sent. The channel is closed when ctx ends.
	Watch(ctx context.Context, filter string) (<-chan engine.Doc, error)
}

// Bus carries messages that are not stored and may be lost.
type Bus interface {
	Publish(ctx context.Context, subject string, data []byte) error
	// Subscribe sends messages from now on, its own process's too, until ctx ends and the channel is closed.
	Subscribe(ctx context.Context, filter string) (<-chan engine.Doc, error)
}

// Leaser lets one of several holders own a key for a while.
type Leaser interface {
	// Lease takes or renews the key for ttl and reports whether holder has it now; a ttl of 0 gives it back.
	Lease(ctx context.Context, key, holder string, ttl time.Duration) (bool, error)
}
