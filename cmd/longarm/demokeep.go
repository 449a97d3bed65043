package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// leave prints how to play with what is left running.
func (s *show) leave() {
	self, err := os.Executable()
	if err != nil {
		self = "longarm"
	}
	pin, err := readLine(filepath.Join(s.path("data"), filePin))
	if err != nil {
		pin = "(see tls.pin in " + s.path("data") + ")"
	}
	s.t.head("It goes on running until ctrl-C", "here you see what you do")
	s.t.note("in another terminal:")
	for _, line := range []string{
		"export LONGARM_URL=" + s.api.base.String(),
		"export LONGARM_TOKEN=" + s.api.token,
		"export LONGARM_PIN=" + pin,
		"",
		fmt.Sprintf("%s ls", self),
		fmt.Sprintf("%s call %s 'router cycle 3s'", self, demoBox),
		fmt.Sprintf("%s call %s 'lamp on 10s'", self, demoBox),
		fmt.Sprintf("%s call %s 'valve on'", self, demoBox),
		fmt.Sprintf("%s call %s 'door wait off 30s'", self, demoBox),
		"",
		fmt.Sprintf("%s demo -control %s 'door off'", self, s.path("control")),
		fmt.Sprintf("%s demo -control %s 'power fail'", self, s.path("control")),
		fmt.Sprintf("%s demo -control %s 'power ok'", self, s.path("control")),
	} {
		s.t.note("  " + line)
	}
	s.t.note("config, trace and logs: " + s.dir + " (gone at the end); the door stands at on")
	s.t.note(s.t.p.paint(dim, "the power may be away for 20 s; then the agent says that it is on battery"))
}
