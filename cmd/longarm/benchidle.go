package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"longarm/push"
)

const (
	memoryPromise  = "idle agent with a private CA file, RSS"
	memoryBar      = 8 << 10 // KiB
	trafficPromise = "idle agent, IP traffic in an hour"
	trafficBar     = 45_000 // bytes
	leastPolls     = 4      // that the traffic of an hour may be told from
	trafficNeed    = "a network namespace (root, or user namespaces)"
)

// idleReport is what the child that watches an idle agent prints.
type idleReport struct {
	RSS, Anon, Peak          int64 // KiB
	Alone                    bool  // in a network namespace, so that the traffic is the agent's
	StartBytes, StartPackets int64
	IdleBytes, IdlePackets   int64
	Window                   time.Duration
}

// startIdle starts the child that watches an idle agent, in a network namespace
// of its own if the machine gives one; nil when nothing is to be watched.
func (b *benchmark) startIdle(ctx context.Context) (*player, error) {
	if b.idle == 0 {
		return nil, nil
	}
	window := b.idle
	if window > push.Hold { // whole polls, or one more or less would count
		window = (window + push.Hold - 1) / push.Hold * push.Hold
	}
	words := []string{b.agent, b.self, filepath.Join(b.dir, "idle"), window.String()}
	for _, attr := range namespaces() {
		k, err := b.role(ctx, roleIdle, attr, append(words, strconv.FormatBool(attr != nil))...)
		if attr != nil && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSPC)) {
			continue
		}
		return k, err
	}
	return nil, errors.New("unreachable: the last try needs no namespace")
}

// namespaces are the ways to a network of one's own, the last being none.
func namespaces() []*syscall.SysProcAttr {
	own := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	return []*syscall.SysProcAttr{
		{Cloneflags: syscall.CLONE_NEWNET},
		{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER, UidMappings: own(os.Getuid()), GidMappings: own(os.Getgid())},
		nil,
	}
}

// idleRows waits for the child's report.
func (b *benchmark) idleRows(ctx context.Context, watch *player, t *table) error {
	memory, bytes := grouped(memoryBar)+" KiB", grouped(trafficBar)+" bytes"
	if watch == nil {
		t.skip(memoryPromise, memory, "-idle")
		t.skip(trafficPromise, bytes, "-idle")
		return nil
	}
	line, err := watch.line(ctx, b.idle+push.Hold+5*benchPatience)
	if err != nil {
		return err
	}
	var w idleReport
	if err := json.Unmarshal([]byte(line), &w); err != nil {
		return fmt.Errorf("understand the idle agent's watcher: %w", err)
	}
	t.add(memoryPromise, memory, fmt.Sprintf("%s KiB, of it RssAnon %s, VmHWM %s", grouped(w.RSS), grouped(w.Anon), grouped(w.Peak)), judge(w.RSS <= memoryBar))
	switch {
	case !w.Alone:
		t.skip(trafficPromise, bytes, trafficNeed)
		return nil
	case w.Window < leastPolls*push.Hold:
		t.skip(trafficPromise, bytes, fmt.Sprintf("-idle %s or more", leastPolls*push.Hold))
		return nil
	}
	rate := hourly(w.IdleBytes, w.Window)
	t.add(trafficPromise, bytes, fmt.Sprintf("%s bytes, %s packets", grouped(rate), grouped(hourly(w.IdlePackets, w.Window))), judge(rate <= trafficBar))
	t.note("Idle: %s bytes in %s, which is %d polls; before that the start took %s bytes in %d packets, both handshakes included.",
		grouped(w.IdleBytes), w.Window.Round(time.Second), int((w.Window+push.Hold/2)/push.Hold), grouped(w.StartBytes), w.StartPackets)
	return nil
}
