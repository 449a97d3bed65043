package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"longarm/hw/clock"
)

const edgePromise = "reply bytes → edge, acknowledgement and fsync included"

// boxed measures what needs a real agent: the way to an edge, and the sign-off
// when the power fails.
func (b *benchmark) boxed(ctx context.Context, t *table) error {
	r, err := newRig(ctx, filepath.Join(b.dir, "box"))
	if err != nil {
		return err
	}
	defer r.close()
	x, err := b.startBox(ctx, r, "")
	if err != nil {
		return err
	}
	defer x.close()
	if err := b.edge(ctx, x, t); err != nil {
		return err
	}
	return b.power(ctx, x, t)
}

// edge measures from the bytes of a reply to the first edge of its call, which
// is a move away from safe: the one that waits for the journal.
func (b *benchmark) edge(ctx context.Context, x *benchBox, t *table) error {
	disk, err := newDiskProbe(x.dir)
	if err != nil {
		return err
	}
	defer disk.f.Close()
	sent := map[string]time.Duration{}
	for i := range warmUp + b.runs {
		if err := rest(ctx, apart); err != nil {
			return err
		}
		id, at, err := x.do(ctx, "router on")
		if err != nil {
			return err
		}
		if _, _, err := x.do(ctx, "router off"); err != nil {
			return err
		}
		if i >= warmUp {
			sent[id] = at
			if err := disk.probe(); err != nil {
				return err
			}
		}
	}
	edges, err := x.edges()
	if err != nil {
		return err
	}
	times, err := since(sent, edges)
	if err != nil {
		return err
	}
	s := spreadOf(times)
	if diskOf(x.dir) == inMemory {
		t.skip(edgePromise, "p50 1 ms", "a -dir on a disk: here an fsync costs nothing")
	} else {
		t.add(edgePromise, "p50 1 ms", s.String(), judge(s.p50 <= time.Millisecond))
	}
	t.note("Edge: %d calls. One append and fsync on the same disk, between the calls: %s.", s.n, spreadOf(disk.times))
	return nil
}

// diskProbe measures what one append with fsync costs on a disk.
type diskProbe struct {
	f     *os.File
	times []time.Duration
}

func newDiskProbe(dir string) (*diskProbe, error) {
	f, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("probe the disk: %w", err)
	}
	return &diskProbe{f: f}, nil
}

// probe writes as much as the journal does for one record.
func (d *diskProbe) probe() error {
	const record = 240 // bytes of one started call
	start := clock.Monotonic()
	if _, err := d.f.Write(make([]byte, record)); err != nil {
		return fmt.Errorf("probe the disk: %w", err)
	}
	if err := d.f.Sync(); err != nil {
		return fmt.Errorf("probe the disk: %w", err)
	}
	d.times = append(d.times, clock.Monotonic()-start)
	return nil
}
