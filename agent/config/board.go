package config

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"longarm/device"
)

// ownBoard: what depends on the family of the board.
func (s *section) ownBoard() {
	s.absolute("port")
	f, served := s.family()
	if !served {
		if s.has("driver") {
			s.fault("driver", servedDrivers(), show(s.str("driver"))+", "+notServed)
		}
		return
	}
	if s.has("channels") && f.Sizes != nil && !slices.Contains(f.Sizes, s.num("channels")) {
		sizes := make([]string, len(f.Sizes))
		for i, n := range f.Sizes {
			sizes[i] = strconv.Itoa(n)
		}
		s.fault("channels", or(sizes)+", the sizes of "+f.Name, s.str("channels"))
	}
	if s.has("unit") && f.Unit == 0 {
		s.warn("unit", "it left out: "+f.Name+" has no address", "it, which does nothing")
	}
	switch {
	case f.Map && !s.wrote("map"):
		s.fault("map", "a [board.map] that says how it is spoken to", "nothing")
	case !f.Map && s.wrote("map"):
		s.fault("map", "it left out: "+f.Name+" is spoken to in one way", "it")
	case f.Map:
		s.checkMap()
	}
}

// checkMap: what the keys of a [board.map] cannot say alone.
func (s *section) checkMap() {
	m := s.mapped()
	if m == nil {
		return
	}
	if m.has("on") && m.has("off") && m.num("on") == m.num("off") {
		m.fault("off", "another value than on, "+m.str("on"), m.str("off"))
	}
	if s.has("channels") && m.num("base")+s.num("channels") > 1<<16 {
		m.fault("base", "one with room for "+s.str("channels")+" channels up to 65535", m.str("base"))
	}
	s.adopt(m)
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
		place := port + " unit " + strconv.Itoa(s.unit())
		switch o, same := first[port], first[place]; {
		case o == nil:
			first[port] = s
		case !o.shares() || !s.shares():
			s.clash("port", o, "port", "a port of its own")
		case same != nil:
			s.clash("port", same, "port", "a unit of its own on this bus")
		case o.baud() != s.baud():
			s.clash("baud", o, "baud", "one speed on this bus")
		case o.parity() != s.parity():
			s.clash("parity", o, "parity", "one parity on this bus")
		}
		first[place] = s
	}
}

// shares: a driver that is not served may be for a bus, which is not judged.
func (s *section) shares() bool {
	f, served := s.family()
	return f.Bus || !served
}

// unit, baud and parity are the family's own when the file says nothing.
func (s *section) unit() int {
	f, _ := s.family()
	if s.has("unit") {
		return s.num("unit")
	}
	return f.Unit
}

func (s *section) baud() int {
	f, _ := s.family()
	if s.has("baud") {
		return s.num("baud")
	}
	return f.Baud
}

func (s *section) parity() string {
	f, _ := s.family()
	if s.has("parity") {
		return s.str("parity")
	}
	return f.Parity
}

func (r *reader) boards() (specs []device.BoardSpec) {
	for _, s := range r.sections["board"] {
		if s.bad {
			continue
		}
		specs = append(specs, device.BoardSpec{
			Name: s.name, Driver: s.str("driver"), Port: s.str("port"), Channels: s.num("channels"), Baud: s.num("baud"),
			Parity: s.str("parity"), Unit: s.num("unit"), AtConnect: s.str("at_connect"), Map: s.boardMap(),
		})
	}
	return specs
}

// mapped is the board's [board.map], or nil.
func (s *section) mapped() *section {
	for _, m := range s.r.sections["board.map"] {
		if v := s.right["map"]; v != nil && v.table == m.table {
			return m
		}
	}
	return nil
}

func (s *section) boardMap() *device.BoardMap {
	if m := s.mapped(); m != nil {
		return &device.BoardMap{Function: m.num("function"), Base: m.num("base"), On: m.num("on"), Off: m.num("off"), Read: m.num("read")}
	}
	return nil
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
