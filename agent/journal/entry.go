package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Sentinels for what callers branch on.
var (
	// ErrReused says that a message id was used before for another container
	// or other data. Refuse the call: "id reused" (design.md section 4).
	ErrReused = errors.New("message id was used before for another call")
	// ErrUnknown says that the journal does not hold this id: it was never
	// received, or it is older than the last [Remembered] ids.
	ErrUnknown = errors.New("message id is not in the journal")
	// ErrOrder says that the entry is already past this step: a second Started
	// of one target, one after the end or after a restart, or a second,
	// different Finished. The hardware must not move for it.
	ErrOrder = errors.New("message is already past this step")
	// ErrClosed says that the journal is closed.
	ErrClosed = errors.New("journal is closed")
)

// HeldError says that another process holds the state dir. End with exit
// code 5 and name the owner; nothing was read or written.
type HeldError struct {
	Dir   string // the state dir, or the fallback's folder for it
	Owner string // what the holder wrote, such as "longarm-agent run, pid 123"
}

// Error names the dir and its owner.
func (e *HeldError) Error() string {
	return fmt.Sprintf("state dir %s is in use by %s", e.Dir, e.Owner)
}

// Options say how to open a journal. The zero value is usable.
type Options struct {
	// Log is told of a damaged file and of a broken dir, once each; nil: nobody.
	Log *slog.Logger
	// Fallback is a dir on a tmpfs, such as /run/longarm. When the state dir
	// cannot be used, the journal goes on in a folder of it named after the
	// state dir; "" (or when that fails too): in memory only.
	Fallback string
	// Owner is the text for the lock file; "": the program's name and pid.
	Owner string

	disk  disk  // nil: the operating system; tests inject faults here
	slack int64 // 0: the constant slack
}

// State is how far a call has come. It only ever grows.
type State int

// The states of an entry.
const (
	StateReceived State = iota + 1 // known; nothing has moved for it
	StateStarted                   // the hardware may have moved; also: uncertain after a damaged file
	StateFinished                  // the result is known
)

// String is the state as one word.
func (s State) String() string {
	switch s {
	case StateReceived:
		return "received"
	case StateStarted:
		return "started"
	case StateFinished:
		return "finished"
	}
	return "none"
}

// Received is a call as it came in. ID and Container are at most 256 bytes
// long and are compared without regard to case; ID must not be empty.
type Received struct{ ID, Container, Data string }

// Begun is one target that was about to move when Started was written.
type Begun struct {
	Target string `json:"target,omitzero"`
	Verb   string `json:"verb,omitzero"`
	Kind   string `json:"kind,omitzero"` // steady, pulse, cycle, lease, ask or remote
	BootID string `json:"boot,omitzero"`
	// Deadline is when the action ends by itself, on CLOCK_BOOTTIME of BootID; 0: never.
	Deadline time.Duration `json:"deadline,omitzero"`
}

// Entry is all that the journal knows of one call. Data and Begun are kept
// until the call is finished; Result is nil before that, and again when the
// service has taken it and more than [KeptResults] bytes of such results came
// after it.
type Entry struct {
	Received
	State State
	// Begun are the targets of the call that were started, each once, oldest
	// first. A record that was lost in a damaged file is missing: a started
	// entry may have none at all, and is answered "unknown" nevertheless.
	Begun    []Begun
	Result   []byte // push.Result as JSON, as given to Finished
	Reported bool   // the service has taken the result
}
