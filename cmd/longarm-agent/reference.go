package main

import (
	"context"

	"longarm/agent/config"
)

const referenceHelp = `Prints every key of the config as a table in Markdown: type, default, range, unit
and meaning. docs/config.md is this output.`

func configReference(_ context.Context, c command) int {
	var s settings
	words, code, done := c.parse("config-reference", referenceHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("config-reference", words); bad {
		return code
	}
	if err := config.Reference(c.stdout); err != nil {
		return fail(c.stderr, err)
	}
	return exitDone
}
