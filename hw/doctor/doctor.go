package doctor

import (
	"context"
	"path/filepath"
	"strconv"
	"time"
)

// Severity says how much a finding matters.
type Severity int

// The severities, worst first.
const (
	Bites Severity = iota // sooner or later it hurts
	Note                  // good to know, or "cannot tell"
	OK                    // looked at and right
)

// Finding is one thing that was looked at. About names it ("output router"),
// Text is a sentence without a full stop. Remedy is what helps, if something
// does: its lines that begin with a tab are exact, the one before them says what
// to do with them and in which file ("add to /boot/firmware/config.txt").
type Finding struct {
	_ [0]func() // not compared: the agent is spared the code for it

	Severity            Severity
	About, Text, Remedy string
}

// Output is a GPIO line that the config drives. Chip is a label, or empty when
// Line, a name or an offset in decimal, is unique in the machine. Safe says that
// the line is active at its safe level, Driven which load an active line gives
// ("on" or "off").
type Output struct {
	_ [0]func() // as in Finding

	About, Chip, Line, Driven string
	ActiveLow, Safe           bool
}

// Port is a serial device of the config; Key is the key that names its path,
// which is clean (filepath.Clean).
type Port struct {
	_ [0]func() // as in Finding

	About, Key, Path string
}

// Spec is what of the config matters here. Config is the file's name, for the
// remedies, Faults how many faults it has: what they concern is not here.
// StateDir is absolute.
type Spec struct {
	Config    string
	Faults    int
	Outputs   []*Output
	Ports     []*Port
	GPIO      bool // the config uses GPIO lines, be they outputs or inputs
	StateDir  string
	PowerFail string        // level that means that the power is lost; "" = no such line
	HoldUp    time.Duration // with PowerFail, how long the box lives on; 0 = not known
}

// AddPort adds a port; what is needless in its path is taken out.
func (s *Spec) AddPort(about, key, path string) {
	s.Ports = append(s.Ports, &Port{About: about, Key: key, Path: filepath.Clean(path)})
}

// Report is what was found, in the order of the checks. Box names the machine.
type Report struct {
	Box      string
	Findings []Finding
}

// Bites says that at least one finding does.
func (r Report) Bites() bool {
	for i := range r.Findings {
		if r.Findings[i].Severity == Bites {
			return true
		}
	}
	return false
}

// Examine looks at a box whose file tree stands at root; "" is this machine, and
// only there it writes to the state dir. It blocks for as long as that takes, at
// most some ten seconds; ctx ends it early.
func Examine(ctx context.Context, spec *Spec, root string) Report {
	b := &box{tree: tree{root}, spec: spec}
	if spec.Faults > 0 {
		b.say(Note, "config", "%0 faults in {longarm.toml}, listed by longarm-agent check: what they concern was not looked at", strconv.Itoa(spec.Faults))
	}
	b.identify()
	b.checkPins()
	b.checkRelease()
	if spec.PowerFail != "" {
		b.say(Note, "power_fail", "the config takes %0 for power lost, and HATs differ (X728: high, X1200: low): pull the plug once and see the box sign off", spec.PowerFail)
	}
	b.checkPorts()
	b.checkUnit()
	b.checkRights()
	b.checkWatchdog()
	b.checkClock()
	b.checkState()
	if root == "" {
		b.measure(ctx)
	}
	return Report{b.model + ", Linux " + b.text("/proc/sys/kernel/osrelease"), b.found}
}
