package trials

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// moving is one output of each kind of call that the power is cut under.
const moving = twoOutputs + `
[[output]]
name = "pump"
chip = "CHIP"
line = "GPIO23"
[[output]]
name = "siren"
chip = "CHIP"
line = "GPIO24"
[[output]]
name = "fan"
chip = "CHIP"
line = "GPIO25"
`

// offsets of the lines that the outputs of moving have.
var offsets = map[string]int{"router": 17, "lamp": 22, "pump": 23, "siren": 24, "fan": 25}

// tail is what a cut may take of the trace, which is read as it comes: a move in the last
// moments may be missing there.
const tail = time.Second

// life is one boot of the box, up to the cut.
type life struct {
	*field.Box
	agent      *guest.Proc
	log, trace *field.Logged
	base       int
	began, cut time.Time
}

// site is a box with one disk and one container over all its lives.
type site struct {
	t         *testing.T
	rand      *rand.Rand
	disk      *field.Disk
	service   *field.Service
	container field.Container
	lives     []*life
	calls     map[string]string // id → data
	order     []string
}

// The power is cut at random moments under 200 calls. The disk forgets what was not flushed
// (field.Disk): each sector of it is there or not. QEMU's own raw disk would be gentler than
// a real one, since the host keeps whatever QEMU was given. After each boot the filesystem
// mounts and the journal opens; no move is repeated, which the kernel's trace of each boot
// tells; every call that was acknowledged gets its one answer, but for those cut off before
// anything was promised (see judge).
func TestPowerCutsUnderCalls(t *testing.T) {
	const calls = 200
	field.Need(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LONGARM_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("LONGARM_SEED=%d", seed)
	began := time.Now()
	s := newSite(t, seed)
	lost, unsure, starts := 0, 0, 0
	for len(s.order) < calls {
		l := s.boot()
		if len(s.lives)%5 == 3 { // while it starts and settles
			starts++
			s.wait(700 * time.Millisecond)
		} else {
			s.send(min(6+s.rand.IntN(9), calls-len(s.order)))
			s.wait(500 * time.Millisecond)
		}
		s.catchUp()
		n, of := s.cut(l)
		lost, unsure = lost+n, unsure+of
	}
	cuts := len(s.lives)
	s.last()
	tally := s.judge()
	field.Figure(t, fmt.Sprintf("%d calls, %d cuts (%d while starting), %d of %d unflushed sectors lost; %s; %.0f s",
		len(s.order), cuts, starts, lost, unsure, tally, time.Since(began).Seconds()))
}

func newSite(t *testing.T, seed uint64) *site {
	t.Helper()
	image := filepath.Join(t.TempDir(), "data.ext4")
	if err := os.WriteFile(image, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", image).CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	service := field.Serve(t)
	return &site{
		t: t, rand: rand.New(rand.NewPCG(seed, seed)), disk: field.NewDisk(t, image), service: service,
		container: service.Add(t, "box-cut"), calls: map[string]string{},
	}
}

// boot starts the machine, mounts the disk, which replays the filesystem's journal, and
// starts the agent.
func (s *site) boot() *life {
	s.t.Helper()
	g := field.Start(s.t, guest.Options{Data: s.disk.At, Files: field.BareFiles(s.t, "arm64")})
	l := &life{Box: field.Bare(s.t, g, s.service, s.container, moving), log: &field.Logged{}, trace: &field.Logged{}, began: time.Now()}
	l.Sh("mkdir -p /var/lib/longarm && mount -t ext4 /dev/vda /var/lib/longarm")
	l.base = l.Base()
	if err := l.TraceOutputs(); err != nil {
		s.t.Fatal(err)
	}
	if _, err := l.Spawn(l.trace, l.trace, nil, "/bin/cat", "/sys/kernel/tracing/trace_pipe"); err != nil {
		s.t.Fatal(err)
	}
	l.agent = l.Agent(l.log)
	s.lives = append(s.lives, l)
	return l
}

// send queues n calls with random pauses.
func (s *site) send(n int) {
	s.t.Helper()
	width := func() string { return fmt.Sprintf("%dms", 100+s.rand.IntN(200)) }
	for range n {
		data := ""
		switch s.rand.IntN(6) {
		case 0:
			data = "lamp pulse " + width()
		case 1:
			data = "pump pulse " + width()
		case 2:
			data = "router cycle " + width()
		case 3:
			data = "siren on"
		case 4:
			data = "siren off"
		case 5:
			data = "fan on 1s"
		}
		c := s.service.Send(s.t, s.container.ID, data)
		s.calls[c.MessageID] = data
		s.order = append(s.order, c.MessageID)
		s.wait(150 * time.Millisecond)
	}
}

// wait lets a random time pass: the moment of the cut is what is tried here.
func (s *site) wait(most time.Duration) { time.Sleep(time.Duration(s.rand.Int64N(int64(most)))) }

// catchUp lets the box get on with what is queued, where a slow host's cuts left it no time:
// the service takes only so many open calls.
func (s *site) catchUp() {
	s.t.Helper()
	open := func() int { return s.service.Look(s.t, s.container.ID).OpenCalls }
	if open() > 60 {
		field.Until(s.t, "the box catches up", time.Minute, func() bool { return open() < 40 })
	}
}

func (s *site) cut(l *life) (lost, unsure int) {
	l.Kill()
	l.cut = time.Now()
	return s.disk.Cut(s.rand)
}

// last is the life that ends in order: every call is closed, the disk is clean.
func (s *site) last() {
	s.t.Helper()
	l := s.boot()
	for _, id := range s.order {
		field.Until(s.t, "call "+id+" ends", 100*time.Second, func() bool {
			c := s.service.Follow(s.t, id, 10*time.Second)
			return c.At.Closed != "" || c.State == "unanswered" && c.At.Acknowledged != ""
		})
	}
	if faults := l.Report().Agent.Faults; len(faults) > 0 {
		s.t.Errorf("the box reports %q", faults)
	}
	if err := l.agent.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if code, err := l.agent.Wait(); code != 0 || err != nil {
		s.t.Errorf("the agent ended with %d, %v", code, err)
	}
	if text := l.Sh("umount /var/lib/longarm; dmesg"); strings.Contains(text, "EXT4-fs error") {
		s.t.Errorf("the kernel says:\n%s", text)
	}
	l.Kill()
	l.cut = time.Now()
	image := filepath.Join(s.t.TempDir(), "after.ext4")
	s.disk.Save(s.t, image)
	if out, err := exec.Command("e2fsck", "-fn", image).CombinedOutput(); err != nil {
		s.t.Errorf("e2fsck: %v\n%s", err, out)
	}
}

// judge holds the ends of all calls against the traces of all lives. A call that was
// acknowledged moved in the life in which it was, or never. What is explained is what the
// answers say; of an unknown one nobody knows.
func (s *site) judge() string {
	s.t.Helper()
	tally := map[string]int{}
	most, least := make([]map[int]int, len(s.lives)), make([]map[int]int, len(s.lives))
	for i := range s.lives {
		most[i], least[i] = map[int]int{}, map[int]int{}
	}
	for _, id := range s.order {
		c := s.service.Follow(s.t, id, time.Second)
		data := s.calls[id]
		i := s.during(c.At.Acknowledged)
		tally[s.end(c, i)]++
		if i < 0 {
			continue
		}
		target, _, _ := strings.Cut(data, " ")
		rises := 0
		for _, e := range c.Result.Data.Edges {
			if e.Active {
				rises++
			}
		}
		if c.State == "unknown" {
			rises = 1
		}
		most[i][offsets[target]] += rises
		if at := moment(c.At.Acknowledged); c.State == "succeeded" && s.lives[i].cut.Sub(at) > tail {
			least[i][offsets[target]] += rises
		}
	}
	for i, l := range s.lives {
		s.witness(i, l, most[i], least[i])
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(tally)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, tally[k]))
	}
	return strings.Join(parts, ", ")
}

// end is how a call ended, in a word or two; one that may not end so fails the test. i is
// the life in which it was acknowledged, -1 for none. A power cut may take the record of a
// call that was acknowledged and for which nothing was to move yet: nobody knows of it any
// more, and its caller is told "unanswered" (package journal, Received).
func (s *site) end(c field.Call, i int) string {
	s.t.Helper()
	answer := c.Result.Data
	cutShort := i >= 0 && s.lives[i].cut.Sub(moment(c.At.Acknowledged)) < tail
	switch {
	case c.State == "succeeded" && i >= 0 && moment(c.At.Closed).After(s.lives[i].cut):
		return "done and told after the cut"
	case c.State == "succeeded":
		return "done"
	case c.State == "failed" && answer.State == "refused":
		return "refused"
	case c.State == "failed" && strings.HasPrefix(answer.Detail, "not started"):
		return "not started"
	case c.State == "failed" && strings.HasPrefix(answer.Detail, "ended by call"):
		return "ended by another"
	case c.State == "unknown" && cutShort:
		return "unknown"
	case c.State == "unanswered" && cutShort:
		return "unanswered"
	case c.State == "expired" && i < 0:
		return "expired"
	}
	s.t.Errorf("%q, acknowledged in life %d, ended %+v", s.calls[c.MessageID], i, c)
	return "wrong"
}

// during is the life in which something was, or -1.
func (s *site) during(stamp string) int {
	at := moment(stamp)
	return slices.IndexFunc(s.lives, func(l *life) bool { return !at.Before(l.began) && at.Before(l.cut) })
}

// moment is one of the service's stamps, on the host's clock; the zero time for "".
func moment(stamp string) time.Time {
	at, _ := time.Parse(time.RFC3339, stamp)
	return at
}

// witness holds a life's trace and log against what the answers explain.
func (s *site) witness(i int, l *life, most, least map[int]int) {
	s.t.Helper()
	sets := field.Sets(l.trace.String(), l.base)
	for name, offset := range offsets {
		rises, level := 0, 0
		for _, e := range sets[offset] {
			if e.Val == 1 && level == 0 {
				rises++
			}
			level = e.Val
		}
		if rises > most[offset] || rises < least[offset] {
			s.t.Errorf("life %d: %s went active %d times, the calls of this life explain %d to %d", i, name, rises, least[offset], most[offset])
		}
	}
	for _, bad := range []string{"journal damaged", "state dir is broken", "the service did not want a result"} {
		if n := l.log.Count(bad); n > 0 {
			s.t.Errorf("life %d: %d times %q in the log:\n%s", i, n, bad, l.log)
		}
	}
}
