package config

import (
	"longarm/device"
)

// ownOutput: a line, or a board and a channel.
func (s *section) ownOutput() {
	const either = "line, or board and channel"
	onBoard := s.wrote("board") || s.wrote("channel")
	switch {
	case s.wrote("line") && onBoard:
		s.fault(s.first("board", "channel"), either+", not both", "both")
		return
	case s.wrote("board") && !s.wrote("channel"):
		s.fault("channel", "the channel of the board", "nothing")
	case s.wrote("channel") && !s.wrote("board"):
		s.fault("board", "the board of the channel", "nothing")
	case !s.wrote("line") && !onBoard:
		s.fault("line", either, "neither")
	}
	if onBoard {
		s.onlyForLines()
	}
	s.ownSafe()
}

func (s *section) first(names ...string) string {
	for _, n := range names {
		if s.wrote(n) {
			return n
		}
	}
	return names[0]
}

func (s *section) onlyForLines() {
	for _, n := range []string{"chip", "active_low"} {
		if s.wrote(n) {
			s.fault(n, "it left out: it is for a line, not for a board's channel", "it")
		}
	}
}

// ownSafe warns of a safe load that needs a living agent to hold it.
func (s *section) ownSafe() {
	o := device.OutputSpec{Contact: device.Contact(s.str("contact"))}
	if s.has("safe") && device.Load(s.str("safe")) != o.SafeLoad() {
		s.warn("safe", show(string(o.SafeLoad()))+", the undriven relay of contact "+show(s.str("contact")),
			show(s.str("safe"))+", which a dead agent or a box without power cannot hold")
	}
}

func (r *reader) outputs() (specs []device.OutputSpec) {
	for _, s := range r.sections["output"] {
		if r.left(s) {
			continue
		}
		o := device.OutputSpec{
			Name: s.name, Line: s.lineRef(), Board: s.str("board"), Channel: s.num("channel"),
			Contact: device.Contact(s.str("contact")), Safe: device.Load(s.str("safe")), AtStart: s.str("at_start"),
			Longest: s.dur("longest"), MinDwell: s.dur("min_dwell"), MaxOn: s.dur("max_on"), MaxPerHour: s.num("max_per_hour"),
			Confirm: s.str("confirm"), ConfirmWithin: s.confirmWithin(),
			Offline: s.dur("offline"), PowerFail: s.str("power_fail"),
		}
		o.Safe = o.SafeLoad()
		if s.str("offline") == "never" {
			o.Offline = -1
		}
		specs = append(specs, o)
	}
	return specs
}

func (r *reader) inputs() (specs []device.InputSpec) {
	for _, s := range r.sections["input"] {
		if !r.left(s) {
			specs = append(specs, device.InputSpec{Name: s.name, Line: s.lineRef(), Bias: s.str("bias"), Debounce: s.dur("debounce")})
		}
	}
	return specs
}

// powerFail is nil when there is no such section or it is wrong.
func (r *reader) powerFail() *device.PowerFailSpec {
	all := r.sections["power_fail"]
	if len(all) == 0 || all[0].bad {
		return nil
	}
	s := all[0]
	return &device.PowerFailSpec{
		Line: s.lineRef(), ActiveHigh: s.str("active") == "high",
		Debounce: s.dur("debounce"), LostAfter: s.dur("lost_after"), HoldUp: s.dur("hold_up"), RestoredAfter: s.dur("restored_after"),
		Outputs: s.str("outputs"), Then: s.str("then"),
	}
}
