package main

import (
	"bytes"
	"os"
	"testing"

	"longarm/agent/config"
)

// TestConfigReferenceIsCurrent: `longarm-agent config-reference >docs/config.md`
// mends it.
func TestConfigReferenceIsCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := config.Reference(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/config.md is not what config-reference prints; make it anew")
	}
}
