package guest

import (
	"errors"
	"path/filepath"
	"slices"
)

// run is one start of a guest: what is booted, and what follows once it answers.
type run struct {
	Options
	cache     string      // the architecture's folder in the cache
	saved     bool        // go on from the saved machine
	unplugged bool        // a USB controller, but no adapter yet: QEMU cannot save one
	bare      bool        // nothing follows: a mounted share cannot be saved
	plug      bool        // then plug the adapter in,
	pulls     map[int]int // set the pulls of the first chip
	late      []File      // and put files into it
}

func newRun(o Options) (*run, error) {
	if o.Booted {
		return fromSaved(o)
	}
	o = o.filled()
	if err := o.check(); err != nil {
		return nil, err
	}
	return &run{Options: o, cache: filepath.Join(o.Cache, o.Arch)}, nil
}

// fromSaved is a run of the saved machine. What that machine does not have is refused.
func fromSaved(o Options) (*run, error) {
	if o.Disk != "" || o.Data != "" || o.Append != "" || o.Machine == "raspi3b" || o.Virtual ||
		o.NoNet || o.Watchdog || o.KeepSoC || o.Serial == "pci" || len(o.Modules) > 0 || len(o.Chips) > 1 {
		return nil, errors.New("the saved machine (Booted) has one chip, a network card and a USB adapter, and boots no more: it has no " +
			"Disk, Data, Append, other Machine, Virtual, NoNet, Watchdog, KeepSoC, pci Serial, Modules or second chip")
	}
	r := toSave(o)
	r.saved, r.bare = true, false
	r.Booted, r.plug, r.late = true, o.Serial == "usb", o.Files
	for _, c := range o.Chips {
		r.pulls = c.Pulls
	}
	return r, r.check()
}

// toSave is the one machine that is saved.
func toSave(o Options) *run {
	o.Mode, o.Serial, o.CPUs, o.MemMB, o.Chips, o.Files, o.Booted = "systemd", "usb", 0, 0, nil, nil, false
	o = o.filled()
	return &run{Options: o, cache: filepath.Join(o.Cache, o.Arch), unplugged: true, bare: true}
}

// label is the first chip's.
func (r *run) label() string {
	if len(r.Chips) == 0 {
		return ""
	}
	return r.Chips[0].Label
}

// shares says whether the guest has a folder in common with the host.
func (r *run) shares() bool { return !r.raspi() && (r.Share || r.Mode == "systemd") }

// loads is what PID 1 loads: wanted modules, each after what it needs, each once.
func loads(wanted []string, depends map[string][]string) []string {
	var order []string
	for _, m := range wanted {
		for _, d := range depends[norm(m)] {
			if !slices.Contains(order, d) {
				order = append(order, d)
			}
		}
	}
	return order
}
