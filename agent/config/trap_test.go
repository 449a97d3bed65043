package config

import (
	"strings"
	"testing"
)

// TestInterlockSaysThatOneIsWired: "interlock dead-time + hardware note" of the
// traps (hardware.md, section 7): who reads how to write one is told that
// software is not enough.
func TestInterlockSaysThatOneIsWired(t *testing.T) {
	var b strings.Builder
	if err := Reference(&b); err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(b.String(), "## `[[interlock]]`\n")
	part, _, _ = strings.Cut(part, "\n## ")
	if !strings.Contains(part, "wire an interlock too") {
		t.Errorf("the reference says of an interlock %q, want that one must be wired too", part)
	}
}
