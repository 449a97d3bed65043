package config

import "longarm/device/board"

// drivers are the pinned families of serial relay boards (design.md section 3,
// Drivers). What device/board has of them is served.
var drivers = []string{
	"lcus", "lcus-feedback", "kmtronic", "numato", "denkovi16", "devantech", "conrad", "k8090",
	"waveshare", "lctech", "eletechsup", "c0135", "modbus-generic",
}

// family is what the board's driver can do; ok is false when there is no right
// driver, or one that is not served.
func (s *section) family() (f board.Family, ok bool) {
	f, err := board.Find(s.str("driver"))
	return f, s.has("driver") && err == nil
}

func servedDrivers() string {
	var names []string
	for _, d := range drivers {
		if _, err := board.Find(d); err == nil {
			names = append(names, show(d))
		}
	}
	return or(names)
}
