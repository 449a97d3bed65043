package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longarm/agent/config"
	"longarm/device"
	"longarm/device/board"
	"longarm/hw/gpio"
	"longarm/hw/sim"
)

// consumerPrefix begins the names by which the kernel knows our lines.
const consumerPrefix = "longarm:"

// simulated is where a port is that is none.
const simulated = "simulated"

// checker looks up what a config names, touches none of it, and says what the
// start would do to it. What it looks at is named by kind and name, with a tab
// between them.
type checker struct {
	cfg      config.Config
	sim      *sim.Machine // nil: real lines
	describe func(chip, line string) (gpio.Info, error)
	port     func(path string) error

	outs  []*outSpot
	taken map[string]string // real line or port → what has it
	table strings.Builder
	notes string // faults and warnings, a line each
	bad   int    // faults
}

// fault notes what is wrong with something.
func (k *checker) fault(what, why string) {
	k.bad++
	k.notes += strings.ReplaceAll("fault   "+what+": "+why+"\n", "\t", " ")
}

// line finds a GPIO line: where it is and how it stands; ours says that it can
// be had.
func (k *checker) line(what string, ref *device.LineRef) (where, now string, ours bool) {
	where = strings.TrimSpace(ref.Chip + " " + ref.Line)
	if k.sim != nil {
		return where + ", " + simulated, "inactive", true
	}
	info, err := k.describe(ref.Chip, ref.Line)
	if err != nil {
		k.fault(what, err.Error())
		return where, "not found", false
	}
	offset := strconv.Itoa(info.Offset)
	k.take(what, info.Chip+" line "+offset, what)
	where, now = strings.TrimSpace(fill("% % %", info.Label, offset, info.Name)), info.Direction
	switch {
	case !info.Used:
		return where, now + ", level not known until opened", true
	case strings.HasPrefix(info.Consumer, consumerPrefix):
		return where, now + ", held by " + info.Consumer, true
	}
	k.fault(what, (&gpio.BusyError{Line: info.String(), Owner: info.Consumer}).Error())
	return where, now + ", in use", false
}

// device finds a serial port; real is its device.
func (k *checker) device(what, path string) (where, now, real string) {
	if strings.HasPrefix(path, simPort) {
		if k.sim == nil {
			k.fault(what, errNeedsSim(path).Error())
		}
		return simulated, "-", ""
	}
	if err := k.port(path); err != nil {
		k.fault(what, err.Error())
		return path, "not there", ""
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path // gone since
	}
	k.take(what, real, filepath.Clean(path))
	if where = path; real != path {
		where += " = " + real
	}
	return where, "-", real
}

// take faults what the config has under two names. Who has it by the same name
// may share it: config has seen to that.
func (k *checker) take(what, real, by string) {
	if o := k.taken[real]; o != "" && o != by {
		k.fault(what, fill("% is that of % too: want it once, under one name", real, o))
	}
	k.taken[real] = by
}

// outSpot is an output, how it stands, and what is to become of it.
type outSpot struct {
	*device.OutputSpec
	where, now string
	lost       bool // it cannot be had
	adopted    bool // at_start = "keep" keeps its level
	known      bool // the level is
	active     bool // that level
	on         bool // the level that gives load on
	safe, at   load // at: that of at_start
	proof      int
	timed      string // what its board times

	lock   []string // names of its interlock
	load   load     // once the line is open
	driven bool     // to that
	asks   load     // by its first command; unknown: by none
	goes   bool     // on, later
	why    string   // it is driven, or may not be
}

// load is one of design.md section 2.
type load byte

const (
	loadUnknown load = iota
	loadOff
	loadOn
)

var loads = [...]string{"unknown", "off", "on"}

// gives is the load of a level.
func (o *outSpot) gives(active bool) load {
	if active == o.on {
		return loadOn
	}
	return loadOff
}

// stands is a level in words.
func (o *outSpot) stands(active bool) string {
	return activeWord(active) + ", load " + loads[o.gives(active)]
}

func activeWord(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}

// lookAtOutput looks at an output; lookAtBoard will at one on a board.
func (k *checker) lookAtOutput(spec *device.OutputSpec) {
	o := &outSpot{OutputSpec: spec, on: spec.ActiveFor(device.LoadOn)}
	k.outs = append(k.outs, o)
	o.safe = o.gives(spec.SafeActive())
	switch spec.AtStart {
	case "on":
		o.at = loadOn
	case "off":
		o.at = loadOff
	}
	for _, l := range k.cfg.Device.Interlocks {
		if slices.Contains(l.Outputs, spec.Name) {
			o.lock = l.Outputs
		}
	}
	if spec.Board == "" {
		k.lookAtLine(o)
	}
}

// lookAtLine looks at an output on a line; a simulated one stands as it was left.
func (k *checker) lookAtLine(o *outSpot) {
	var ours bool
	o.where, o.now, ours = k.line("output\t"+o.Name, &o.Line)
	o.lost, o.adopted, o.proof = !ours, strings.HasPrefix(o.now, "output"), proofReadback
	if o.Line.ActiveLow {
		o.where += ", active low"
	}
	if k.sim == nil {
		return
	}
	o.known, o.proof = true, proofSim
	if line, err := k.sim.Output(o.Name, sim.OutputOptions{Keep: true}); err == nil { // a new one is inactive: nothing moves
		o.adopted = line.Adopted()
		o.active, _, _ = line.Active() // always known
	}
	o.now = o.stands(o.active)
}

// lookAtBoard adds a board's row and looks at the outputs that are on it.
func (k *checker) lookAtBoard(spec *device.BoardSpec) {
	f, _ := board.Find(spec.Driver) // config has seen to it that it is there
	what := "board\t" + spec.Name
	where, now, real := k.device(what, spec.Port)
	proof := slices.Index(proofs[:], f.Proof)
	if spec.Map != nil && spec.Map.Read == 0 { // nobody said how to ask it
		proof = proofAcked
	}
	if where == simulated {
		proof, f.Timer = proofSim, board.Timer{}
	}
	unit := ""
	if spec.Unit > 0 {
		unit = ", unit " + strconv.Itoa(spec.Unit)
	}
	own, at := "", ""
	if f.Timer.Longest > 0 {
		own = ", own timer up to " + span(f.Timer.Longest)
	}
	if real != "" {
		at = " at " + real
	}
	k.row("%\t%, % channels%, %\t%"+nothingSent+"%", what, spec.Driver, strconv.Itoa(spec.Channels), unit, where, now, proofs[proof], own)
	for _, o := range k.outs {
		if o.Board != spec.Name {
			continue
		}
		o.where = fill("% channel %, %%", spec.Name, strconv.Itoa(o.Channel), spec.Driver, at)
		o.proof, o.timed, o.now = proof, o.times(&f.Timer), "not known until asked"
		switch {
		case proof == proofSim:
			o.known, o.lost, o.now = true, k.sim == nil, o.stands(false)
		case spec.AtConnect == "safe":
			o.now = "taken for safe, load " + loads[o.safe]
		}
	}
}
