package agent

import "time"

// troubleLog makes one line of a spell of failures: the first of each kind
// and the recovery are logged, the rest is counted. The zero value is ready;
// one goroutine uses it.
type troubleLog struct {
	count int
	since time.Time
	seen  map[string]bool
}

// first counts a failure and tells whether its kind is new in this spell.
func (t *troubleLog) first(kind string) bool {
	if t.count == 0 {
		t.since, t.seen = time.Now(), map[string]bool{}
	}
	t.count++
	news := !t.seen[kind]
	t.seen[kind] = true
	return news
}

func (t *troubleLog) over() bool { return t.count > 0 }

// lasted is how long the spell has gone on, 0 when there is none.
func (t *troubleLog) lasted() time.Duration {
	if t.count == 0 {
		return 0
	}
	return time.Since(t.since)
}

func (t *troubleLog) reset() { *t = troubleLog{} }
