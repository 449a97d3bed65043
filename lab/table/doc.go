// Table reads what `go test -json` prints and shows it to a person: a line when a check
// starts and when it ends, and at the end one table: check, guest, time, result, with the
// figures that were measured, after the whole output of what failed. Tests say their guest
// and figures by t.Attr("guest", …) and t.Attr("figure", …). It judges nothing itself and
// starts nothing.
//
//	go test -json ./lab/... | table         exit code 1 if a check failed
//	go test -json ./lab/... | table -all    or if one was left out, or none ran
//	go test -json ./lab/... | table -into F when all is well the figures go into a file too
//	go test -json ./lab/... | table -count  one line: how many were left out for want of a guest
package main
