package config

import (
	"strconv"
	"time"

	"longarm/device"
)

// str is the value of a key, or its default.
func (s *section) str(name string) string {
	if v := s.right[name]; v != nil {
		return v.text
	}
	k, _ := row(s.kind, name)
	return k.def
}

func (s *section) flag(name string) bool { return s.str(name) == "true" }

// num is a count; 0 when there is neither a value nor a default.
func (s *section) num(name string) int {
	n, err := strconv.ParseInt(s.str(name), 0, 64)
	if err != nil {
		return 0 // checked before: only an absent one comes here
	}
	return int(n)
}

// dur is a span; 0 when there is neither a value nor a default, or "never".
func (s *section) dur(name string) time.Duration {
	d, err := time.ParseDuration(s.str(name))
	if err != nil {
		return 0 // checked before: only an absent one or "never" comes here
	}
	return d
}

func (s *section) texted(name string) (texts []string) {
	if v := s.right[name]; v != nil {
		for _, item := range v.items {
			texts = append(texts, item.text)
		}
	}
	return texts
}

// lineRef is the line that the section names.
func (s *section) lineRef() device.LineRef {
	return device.LineRef{Chip: s.str("chip"), Line: s.str("line"), ActiveLow: s.flag("active_low")}
}
