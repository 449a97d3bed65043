package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

const demoBox = "garage"

// contacts of the outputs: an edge's load follows from them.
var contacts = map[string]string{"router": "nc", "lamp": "no", "pump": "no", "valve": "no", "fan": "no"}

// demoButtons of the container.
var demoButtons = []buttonDoc{{"Restart the router", "router cycle 1s"}, {"Light for 10 min", "lamp on 10m"}, {"Dose", "pump pulse 500ms"}}

// demoConfig is the agent's file; the lines are simulated, the ports of the boards
// that follow are real ones.
const demoConfig = `[push]
url = %q
container = %q
key_file = %q
pins = [%q]

[state]
dir = %q

[[output]]
name = "router"
line = "GPIO17"
contact = "nc"        # load on = relay released: a dead agent leaves it powered

[[output]]
name = "lamp"
line = "GPIO22"
contact = "no"

[[input]]
name = "door"
line = "GPIO24"

[power_fail]
line = "GPIO6"
active = "high"
hold_up = "20s"
restored_after = "500ms"
`

// openService starts the service, connects to its events and adds the box.
func (s *show) openService(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this binary: %w", err)
	}
	s.t.head("The service starts", "longarm serve -data DIR -listen 127.0.0.1:0")
	if s.service, err = s.start("service", self, "serve", "-data", s.path("data"), "-listen", "127.0.0.1:0"); err != nil {
		return err
	}
	listening := untilTrue(ctx, startLimit, func() bool {
		select {
		case <-s.service.done:
			return true
		default:
		}
		addr, err := readLine(filepath.Join(s.path("data"), fileAddr))
		return err == nil && addr != ""
	})
	if !listening {
		return errors.Join(fmt.Errorf("the service does not listen after %s", startLimit), s.service.lastWords())
	}
	if s.api, err = s.c.connect(target{data: s.path("data")}); err != nil {
		return errors.Join(err, s.service.lastWords())
	}
	s.t.check("it listens at " + s.api.base.String())
	// The stream outlives ctx: the end is part of the show.
	stream, err := s.api.openEvents(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	service := s.service
	s.beside(func(context.Context) error { return s.watchStream(stream, service) })
	return s.addBox(ctx)
}

func (s *show) addBox(ctx context.Context) error {
	raw, err := s.api.do(ctx, request{method: http.MethodPost, path: "/containers", body: struct {
		Name    string      `json:"name"`
		Buttons []buttonDoc `json:"buttons"`
	}{demoBox, demoButtons}})
	if err != nil {
		return fmt.Errorf("add the container: %w", err)
	}
	var made struct{ ID, Key string }
	if err := decode(raw, &made); err != nil {
		return fmt.Errorf("add the container: %w", err)
	}
	s.box, s.key = made.ID, made.Key
	s.t.check("it knows the box " + demoBox + " now, container " + made.ID)
	return nil
}

// openAgent plugs in the boards, starts the agent and waits until the service
// calls it online.
func (s *show) openAgent(ctx context.Context) (err error) {
	s.t.head("The agent starts", "longarm-agent run -config longarm.toml -sim -sim-trace … -sim-control …")
	var boards strings.Builder
	for _, plan := range demoBoards {
		b, err := s.seen.openBoard(plan)
		if err != nil {
			return err
		}
		s.boards = append(s.boards, b)
		boards.WriteString(b.config())
	}
	pin, err := readLine(filepath.Join(s.path("data"), filePin))
	if err != nil {
		return fmt.Errorf("find the pin: %w", err)
	}
	text := fmt.Sprintf(demoConfig, s.api.base.String(), s.box, s.path("key"), pin, s.path("state")) + boards.String()
	if err := errors.Join(writeFile(s.path("key"), s.key+"\n", 0o600), writeFile(s.path("longarm.toml"), text, 0o644)); err != nil {
		return err
	}
	if s.device, err = s.start("agent", s.agent, "run", "-config", s.path("longarm.toml"), "-sim",
		"-sim-trace", s.path("trace.jsonl"), "-sim-control", s.path("control")); err != nil {
		return err
	}
	return s.awaitBox(ctx, "online", "")
}
