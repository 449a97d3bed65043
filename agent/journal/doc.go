// Package journal takes what happens to each remote call (received, started,
// finished, reported), open leases and small facts, and remembers them in the
// state dir across crashes and power cuts; it never lets an id that may have
// moved hardware look new again, and never writes while nothing happens.
//
// # The file
//
// DIR/journal is append-only text, one record a line, so that a person can
// read it with any tool:
//
//	00000041 9f0c12ab {"k":"started","n":17,"id":"C1",…}
//
// The first field is the payload's length in bytes, the second the CRC32C
// (Castagnoli) of the length's eight digits and the payload, both as lower
// case hex; the payload is JSON, which holds no line feed. The first record,
// {"k":"journal","v":1,"n":…}, is the format's version; another version is
// left untouched and the dir counts as unusable. "n" counts records up and
// goes on over compactions. Every record of a call repeats its id, container
// and content digest, so that one damaged record of several loses no id. A call
// that moves several targets has a started record for each; the one record that
// compaction makes of it holds the first in "b" and the others in "more".
//
// # What is on the disk when
//
// Started, Finished and Set return after fsync; calls at the same time share
// one. Received, Reported, LeaseOpened and LeaseClosed are written in order
// but not synced themselves, because nothing is promised by them alone:
//
//   - Received: nothing has moved. Killed processes lose nothing that was
//     written; a power cut may lose the record, and then the id either comes
//     again as new, rightly, or its caller is told "unanswered". The fsync of
//     Started covers it, since it lies before it in the same file.
//   - Reported: if lost, the result is sent again, which changes nothing.
//   - LeaseOpened: its Started is on disk, and it lies before Finished.
//   - LeaseClosed: if lost, the target is settled to safe once more.
//
// # Damage
//
// Open reads on after a record that does not verify, from the next line on.
// If any byte was dropped, a record that it held may have been a Started:
// every call that looks merely received is then taken for started (answered
// "unknown", never moved again), and a started lease for an open one. The file
// is written anew, and when records followed the damage, the old one stays as
// DIR/journal.bad for a person. What was dropped is logged once.
//
// # A broken dir
//
// After an error of write, fsync or rename the file is never touched again:
// the kernel may have thrown away what it could not write. The call at hand
// returns the error, and everything in memory is copied to the fallback, where
// the journal goes on; Degraded says so. The next Open merges the fallback
// into the dir when that works again; a state never goes backwards in that.
package journal
