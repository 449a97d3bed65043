package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"longarm/hw/clock"
	"longarm/push"
)

// roleIdle is the child that runs a service and an agent and leaves them alone.
// Its words are agent, this program, folder, window, and whether it is in a
// network namespace of its own.
const roleIdle = "idle"

const (
	glance    = 200 * time.Millisecond // between two looks at what has no event
	stillness = 3 * time.Second        // without a packet: the start is over
)

// site is a real service and a real agent that have nothing to do.
type site struct {
	c              command
	dir            string
	alone          bool
	service, agent *player
	api            *api
	id             string
}

func idleSite(ctx context.Context, c command, words []string) error {
	if len(words) != 5 {
		return errors.New("want agent, program, folder, window, alone")
	}
	window, err := time.ParseDuration(words[3])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process at the latest
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // the parent has gone
		cancel()
	}()
	s := &site{c: c, dir: words[2], alone: words[4] == "true"}
	if s.alone {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	defer func() { s.agent.stop(); s.service.stop() }()
	if err := s.serve(ctx, words[1]); err != nil {
		return err
	}
	report, err := s.watch(ctx, words[0], window)
	if err != nil {
		return err
	}
	return json.NewEncoder(c.stdout).Encode(report)
}

// serve starts the service and makes the agent's container there.
func (s *site) serve(ctx context.Context, self string) error {
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	var err error
	if s.service, err = spawn(ctx, s.dir, "serve", nil, self, "serve", "-data", data, "-listen", "127.0.0.1:0"); err != nil {
		return err
	}
	for range 2 { // it has said that it listens, and the pin
		if _, err := s.service.line(ctx, benchPatience); err != nil {
			return err
		}
	}
	if s.api, err = s.c.connect(target{data: data}); err != nil {
		return err
	}
	raw, err := s.api.do(ctx, request{method: "POST", path: "/containers", body: map[string]string{"name": "idle"}})
	if err != nil {
		return err
	}
	var made struct{ ID, Key string }
	if err := decode(raw, &made); err != nil {
		return err
	}
	s.id = made.ID
	s.api.http.CloseIdleConnections() // or it would keep itself alive in the traffic
	return writeFile(s.keyFile(), made.Key+"\n", 0o600)
}

func (s *site) keyFile() string { return filepath.Join(s.dir, "key") }

// watch starts the agent, waits until its start is over, and looks on for the
// window without touching anything.
func (s *site) watch(ctx context.Context, program string, window time.Duration) (idleReport, error) {
	w := idleReport{Alone: s.alone}
	if err := s.calm(ctx, traffic{}); err != nil {
		return w, err
	}
	before, err := loopback()
	if err != nil {
		return w, err
	}
	where := (&url.URL{Scheme: "https", Host: s.api.base.Host}).String()
	if s.agent, err = startAgent(ctx, program, s.dir, where, s.id, s.keyFile(), filepath.Join(s.dir, "data", fileCert), ""); err != nil {
		return w, err
	}
	if err := s.begun(ctx, before, window); err != nil {
		return w, fmt.Errorf("%w; the agent's last words: %s", err, s.agent.lastWords())
	}
	started, err := loopback()
	if err != nil {
		return w, err
	}
	began := clock.Monotonic()
	if err := rest(ctx, window); err != nil {
		return w, err
	}
	ended, err := loopback()
	if err != nil {
		return w, err
	}
	start, idle := started.since(before), ended.since(started)
	w.Window = clock.Monotonic() - began
	w.StartBytes, w.StartPackets, w.IdleBytes, w.IdlePackets = start.bytes, start.packets, idle.bytes, idle.packets
	return w, errors.Join(w.memory(s.agent.cmd.Process.Pid), s.online(ctx))
}

// begun waits until the agent's start is over. Only the end of its first poll
// tells it that the service takes state reports, so that one belongs to the
// start, unless somebody wants but a quick look.
func (s *site) begun(ctx context.Context, before traffic, window time.Duration) error {
	if err := s.calm(ctx, before); err != nil || window < push.Hold {
		return err
	}
	now, err := loopback()
	if err != nil {
		return err
	}
	if err := rest(ctx, push.Hold-2*stillness); err != nil {
		return err
	}
	return s.calm(ctx, now)
}

// calm waits until the loopback has been quiet after there was more than
// before. On a loopback that others use, a fixed time has to do.
func (s *site) calm(ctx context.Context, before traffic) error {
	if !s.alone {
		return rest(ctx, 3*stillness)
	}
	last, still := before, time.Duration(0)
	for range int(benchPatience / glance) {
		if err := rest(ctx, glance); err != nil {
			return err
		}
		now, err := loopback()
		if err != nil {
			return err
		}
		if still += glance; now != last {
			last, still = now, 0
		}
		if still >= stillness && now != before {
			return nil
		}
	}
	return errors.New("the start does not come to rest")
}

// online makes sure that it was a working agent that was so quiet.
func (s *site) online(ctx context.Context) error {
	var d struct{ State string }
	if err := s.api.get(ctx, "/containers/"+s.id, &d); err != nil {
		return err
	}
	if d.State != "online" {
		return fmt.Errorf("the idle agent is %s: %s", d.State, strings.TrimSpace(s.agent.lastWords()))
	}
	return nil
}
