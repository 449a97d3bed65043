package config

import (
	"slices"
	"strings"
	"testing"
)

// ruled are additions to testdata/valid.toml (42 lines) in which one rule is wrong, and
// which outputs are left out for it.
var ruled = []struct{ add, fault, dropped string }{
	{"[[interlock]]\noutputs = [\"router\", \"pomp\"]", `interlock[1].outputs: want the name of an [[output]], got "pomp"`, "router pump"},
	{"[[interlock]]\noutputs = [\"router\", \"led\"]", `interlock[1].outputs: want the name of an [[output]], got "led", which is input "led"`, "router"},
	{"[[interlock]]\noutputs = [\"router\"]", `interlock[1].outputs: want a list of 2 to 64 texts, got a list of 1`, "router pump"},
	{"[[interlock]]\ndead_time = \"1s\"", `interlock[1].outputs: want a list of 2 to 64 texts, got nothing`, "router pump"},
	{"[[interlock]]\noutputs = [\"router\", \"pump\"]\ndead_time = \"2m\"", `interlock[1].dead_time: want a duration from 1ms to 1m in quotes, such as "500ms", got "2m"`, "router pump"},
	{"[interlock]\noutputs = [\"router\", \"pump\"]", `interlock[1]: want [[interlock]], got [interlock]`, "router pump"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\n[[interlock]]\noutputs = [\"a\", \"pump\"]\n[[interlock]]\noutputs = [\"router\", \"a\"]", `interlock[2].outputs: want "a" in one interlock only, got that of interlock[1] (line 46)`, "router pump a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\ncontact = \"nc\"\n[[interlock]]\noutputs = [\"a\", \"router\"]", `interlock[1].outputs: want at most one output with safe = "on", got "a" and "router"`, "router a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nat_start = \"on\"\n[[output]]\nname = \"b\"\nline = \"B\"\nat_start = \"on\"\n[[interlock]]\noutputs = [\"a\", \"b\"]", `interlock[1].outputs: want at most one output with at_start = "on", or safe = "on" and at_start = "keep", got "a" and "b"`, "a b"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nat_start = \"on\"\n[[interlock]]\noutputs = [\"a\", \"router\"]", `interlock[1].outputs: want at most one output with at_start = "on", or safe = "on" and at_start = "keep", got "a" and "router"`, "router a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nlongest = \"0s\"\n[[interlock]]\noutputs = [\"a\", \"pump\"]", `output "a".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got "0s"`, "pump a"},
	{"[lockout]\nline = 5", `lockout.line: want text in quotes, got 5`, "router pump"},
	{"[lockout]\nactive_low = true", `lockout.line: want text in quotes, got nothing`, "router pump"},
	{"[lockout]\nline = \"GPIO5\"\nbias = \"up\"", `lockout.bias: want "as-is", "pull-up", "pull-down" or "disabled", got "up"`, "router pump"},
	{"[lockout]\nline = \"GPIO24\"", `lockout.line: want a line of its own, got that of input "led" (line 30)`, "router pump led"},
	{"[lockout]\nline = \"GPIO5\"\n[[input]]\nname = \"lockout\"\nline = \"L\"", `input "lockout".name: want another name: with a [lockout], lockout is the switch in reports, got "lockout"`, "lockout"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nconfirm = \"router\"", `output "a".confirm: want the name of an [[input]], got "router", which is output "router"`, "a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nconfirm = \"lid\"", `output "a".confirm: want the name of an [[input]], got "lid"`, "a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nconfirm_within = \"1s\"", `output "a".confirm_within: want it left out, or confirm beside it, got it alone`, "a"},
	{"[[output]]\nname = \"a\"\nline = \"A\"\nconfirm = \"led\"\nconfirm_within = \"100ms\"", `output "a".confirm_within: want more than the debounce of led, 100ms, got 100ms`, "a"},
}

// TestRules: a rule that is wrong is told, and drives nothing that it concerns.
func TestRules(t *testing.T) {
	valid := example(t, "valid.toml")
	for _, m := range ruled {
		c, got := told(valid + m.add + "\n")
		if len(got) != 1 || !strings.HasSuffix(got[0], ": "+m.fault) {
			t.Errorf("%s\n got %s\nwant %s", m.add, strings.Join(got, "\n     "), m.fault)
		}
		if d := strings.Join(c.Dropped, " "); d != m.dropped {
			t.Errorf("%s: dropped %q, want %q", m.add, d, m.dropped)
		}
		for _, o := range c.Device.Outputs {
			if slices.Contains(c.Dropped, o.Name) {
				t.Errorf("%s: %s is dropped and served", m.add, o.Name)
			}
		}
	}
}
