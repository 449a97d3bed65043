// Package push is the words that a device and the push service say to each
// other: calls, envelopes, results, state reports and container objects, as
// the bytes of protocol.md. It takes bytes and gives values, or the other way
// round; it never opens, reads or writes anything, and it never judges what a
// call asks for: control characters in a call's data are the reader's matter.
package push

import "time"

// The timings of protocol.md 8 and the limits that both ends keep.
const (
	// MaxBody is the largest body of a request or a reply, in bytes.
	MaxBody = 64 << 10
	// Hold is the longest time that the service holds a poll.
	Hold = 45 * time.Second
	// PollLimit is the client's limit for one poll; more than Hold.
	PollLimit = 60 * time.Second
	// AckInterval is how often a working client acknowledges again; the
	// first acknowledgement goes at once. Half of Lease, so one may be lost.
	AckInterval = 15 * time.Second
	// AckLimit is how long a client waits for the acknowledgement's reply
	// before it must not act any more (protocol.md 4).
	AckLimit = 10 * time.Second
	// Lease is how long a delivered call may stay unacknowledged.
	Lease = 30 * time.Second
	// LateLimit is how long after delivery a late result is still taken.
	LateLimit = 24 * time.Hour
	// DefaultTTL is the time to live of a call that sets none.
	DefaultTTL = 60 * time.Second
	// MaxTTL is the longest life that a client believes; see [ParsePoll].
	MaxTTL = 24 * time.Hour
	// DefaultTimeout is maxHeartbeatTimeout when that is 0 or absent.
	DefaultTimeout = 20 * time.Minute
	// SignOffLimit is the time for the sign-off at an orderly stop.
	SignOffLimit = 5 * time.Second
	// ErrorDelay is how long the service delays an error reply to a poll,
	// since one foreign client polls again without a pause.
	ErrorDelay = time.Second
	// QuickIdle is the age below which an idle reply counts as an error
	// (protocol.md 3).
	QuickIdle = time.Second
)

// Header names, in the spelling that is sent; they compare without case.
const (
	// HeaderKey carries the container's key.
	HeaderKey = "x-api-key"
	// HeaderPoll carries the number of a poll or, on a sign-off, the number
	// of the highest poll that it ends.
	HeaderPoll = "x-longarm-poll"
	// HeaderInstance carries the random name of one installed agent.
	HeaderInstance = "x-longarm-instance"
	// HeaderDedupe with the value "1" allows the service to deliver an
	// unacknowledged call again.
	HeaderDedupe = "x-longarm-dedupe"
	// HeaderService with the value "1" marks our service's replies.
	HeaderService = "x-longarm"
)
