package field

import (
	"testing"

	"longarm/lab/guest"
)

// Plain is a guest as a Box, without agent and service: for what a trial starts itself.
func Plain(t *testing.T, g *guest.Guest) *Box { return &Box{Guest: g, t: t} }
