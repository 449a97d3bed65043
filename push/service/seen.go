package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"sync"
	"time"

	"longarm/push/engine"
)

// A heartbeat is not stored; who was heard when is, for many containers at once (push-engine.md 3).
const (
	shards    = 64
	seenEvery = 15 * time.Second
)

// seen is what was stored last of the heartbeats: a document seen.<shard> holds the Unix milliseconds of each container.
type seen struct {
	mu     sync.Mutex
	stored [shards]map[string]int64
	revs   [shards]uint64
}

func shardOf(token string) int {
	h := fnv.New32a()
	h.Write([]byte(token))
	return int(h.Sum32() % shards)
}

func (s *Service) loadSeen(ctx context.Context) error {
	docs, err := s.engine.List(ctx, "seen.>")
	if err != nil {
		return fmt.Errorf("list last heartbeats: %w", err)
	}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for _, d := range docs {
		shard, err := strconv.Atoi(lastToken(d.Subject))
		if err != nil || shard < 0 || shard >= shards {
			continue
		}
		if err := json.Unmarshal(d.Data, &s.seen.stored[shard]); err != nil {
			return fmt.Errorf("decode %s: %w", d.Subject, err)
		}
		s.seen.revs[shard] = d.Revision
	}
	return nil
}

// restoreSeen tells a container that was just read when it was heard before.
func (s *Service) restoreSeen(b *box) {
	id := token(b.id)
	s.seen.mu.Lock()
	ms := s.seen.stored[shardOf(id)][id]
	s.seen.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := time.UnixMilli(ms); ms != 0 && b.seen.IsZero() {
		b.seen = at
	}
}

// keepSeen stores a snapshot of each shard that changed, every 15 s and at the end.
func (s *Service) keepSeen(ctx context.Context) {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.storeSeen(ctx)
		case <-ctx.Done():
			s.storeSeen(ctx)
			return
		}
	}
}

func (s *Service) storeSeen(ctx context.Context) {
	ctx, cancel := work(ctx)
	defer cancel()
	var fresh [shards]map[string]int64
	for _, b := range s.boxes.all() {
		b.mu.Lock()
		at := b.seen
		b.mu.Unlock()
		id := token(b.id)
		if shard := shardOf(id); !at.IsZero() {
			if fresh[shard] == nil {
				fresh[shard] = map[string]int64{}
			}
			fresh[shard][id] = at.UnixMilli()
		}
	}
	for shard, times := range fresh {
		if err := s.storeShard(ctx, shard, times); err != nil {
			s.log.Warn("last heartbeats not stored", "err", err)
			return
		}
	}
}

func (s *Service) storeShard(ctx context.Context, shard int, times map[string]int64) error {
	s.seen.mu.Lock()
	stored, rev := s.seen.stored[shard], s.seen.revs[shard]
	s.seen.mu.Unlock()
	subject := "seen." + strconv.Itoa(shard)
	for {
		merged, news := newest(stored, times)
		if !news {
			return nil
		}
		data, err := json.Marshal(merged)
		if err != nil {
			return fmt.Errorf("encode %s: %w", subject, err)
		}
		next, err := s.engine.Append(ctx, subject, data, rev)
		if err == nil {
			s.seen.mu.Lock()
			s.seen.stored[shard], s.seen.revs[shard] = merged, next
			s.seen.mu.Unlock()
			return nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return err
		}
		d, err := s.engine.Last(ctx, subject) // another replica heard some too
		if err != nil {
			return err
		}
		stored, rev = nil, d.Revision
		if err := json.Unmarshal(d.Data, &stored); err != nil {
			return fmt.Errorf("decode %s: %w", subject, err)
		}
	}
}

// newest joins two snapshots and reports whether the second has something that the first has not.
func newest(stored, times map[string]int64) (merged map[string]int64, news bool) {
	merged = make(map[string]int64, len(times))
	maps.Copy(merged, stored)
	for id, ms := range times {
		if ms > merged[id] {
			merged[id] = ms
			news = true
		}
	}
	return merged, news
}
