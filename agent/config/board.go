package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longarm/device"
)

// ownBoard: what depends on the family of the board.
func (s *section) ownBoard() {
	s.absolute("port")
	d, known := driverOf(s.str("driver"))
	if !s.has("driver") || !known {
		return
	}
	if d.later {
		s.fault("driver", servedDrivers(), show(d.name)+", "+notServed)
	}
	if s.has("channels") && d.channels != nil && !slices.Contains(d.channels, s.num("channels")) {
		sizes := make([]string, len(d.channels))
		for i, n := range d.channels {
			sizes[i] = fmt.Sprint(n)
		}
		s.fault("channels", or(sizes)+", the sizes of "+d.name, fmt.Sprint(s.num("channels")))
	}
	if s.has("unit") && !d.unit {
		s.warn("unit", "it left out: "+d.name+" has no address", "it, which does nothing")
	}
}

func servedDrivers() string {
	var names []string
	for _, d := range drivers {
		if !d.later {
			names = append(names, show(d.name))
		}
	}
	return or(names)
}

// absolute: a path that means the same wherever the agent is started, or the
// stand-in of a simulation.
func (s *section) absolute(name string) {
	if !s.has(name) || filepath.IsAbs(s.str(name)) {
		return
	}
	if s.kind == "state" {
		s.fault(name, "an absolute path", show(s.str(name)))
		return
	}
	if !strings.HasPrefix(s.str(name), "sim:") {
		s.fault(name, `an absolute path or "sim:"`, show(s.str(name)))
	}
}

// checkPorts: one port, one board, unless the families share a bus by address.
func (r *reader) checkPorts() {
	first := map[string]*section{} // by port, and by port and unit
	for _, s := range r.sections["board"] {
		if !s.has("port") || strings.HasPrefix(s.str("port"), "sim:") {
			continue
		}
		port := filepath.Clean(s.str("port"))
		place := fmt.Sprintf("%s unit %d", port, s.unit())
		switch o, same := first[port], first[place]; {
		case o != nil && !(o.shares() && s.shares()):
			s.clash("port", o, "port", "a port of its own")
		case same != nil:
			s.clash("port", same, "port", "a unit of its own on this bus")
		}
		if first[port] == nil {
			first[port] = s
		}
		first[place] = s
	}
}

func (s *section) shares() bool {
	d, _ := driverOf(s.str("driver"))
	return d.shares
}

// unit is the board's address: its family's own when the file says nothing.
func (s *section) unit() int {
	switch {
	case s.has("unit"):
		return s.num("unit")
	case s.str("driver") == "lctech":
		return 255
	}
	return 1
}

func (r *reader) boards() (specs []device.BoardSpec) {
	for _, s := range r.sections["board"] {
		if s.bad {
			continue
		}
		specs = append(specs, device.BoardSpec{
			Name: s.name, Driver: s.str("driver"), Port: s.str("port"), Channels: s.num("channels"), Baud: s.num("baud"),
			Parity: s.str("parity"), Unit: s.num("unit"), AtConnect: s.str("at_connect"),
		})
	}
	return specs
}

// stateDir is the default when the file has no right one.
func (r *reader) stateDir() string {
	k, _ := row("state", "dir")
	if all := r.sections["state"]; len(all) > 0 && all[0].has("dir") && filepath.IsAbs(all[0].str("dir")) {
		return filepath.Clean(all[0].str("dir"))
	}
	return k.def
}

// offline is how long the service may be away; 0 = for ever.
func (r *reader) offline() time.Duration {
	if all := r.sections["offline"]; len(all) > 0 {
		return all[0].dur("safe_after")
	}
	return 0
}
