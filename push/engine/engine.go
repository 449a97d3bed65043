// Package engine holds the words that the push service and its storage engines share: a document, and the errors
// that both must mean the same by. It does nothing and never imports either side.
package engine

import "errors"

// Doc is one version of a document.
type Doc struct {
	// Subject is the document's name: lower-case tokens joined by dots, "call.<container>.<id>". It is empty in a
	// Doc that a watcher gets when writes may have been missed: list again.
	Subject string
	// Revision is the engine-wide sequence number of the write; 0 in messages that are not stored.
	Revision uint64
	// Data is the content. Whoever gets a Doc must not change it.
	Data []byte
}

var (
	// ErrConflict says that the subject's last revision is not the expected one: read again, decide again.
	ErrConflict = errors.New("revision conflict")
	// ErrNotFound says that the subject has no document.
	ErrNotFound = errors.New("no such document")
)
