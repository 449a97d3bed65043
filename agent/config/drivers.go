package config

// driver is a family of serial relay boards.
type driver struct {
	name     string
	later    bool  // known but not served by this version
	channels []int // sizes it is made in; nil = any
	shares   bool  // several boards may be on one port
	unit     bool  // has an address
}

// drivers are the pinned families (design.md section 3, Drivers).
var drivers = []driver{
	{name: "lcus", channels: []int{1, 2, 4, 8}},
	{name: "lcus-feedback", later: true},
	{name: "kmtronic", later: true},
	{name: "numato", later: true},
	{name: "denkovi16", later: true},
	{name: "devantech", later: true},
	{name: "conrad", later: true},
	{name: "k8090", later: true},
	{name: "waveshare", later: true, shares: true, unit: true},
	{name: "lctech", later: true, shares: true, unit: true},
	{name: "eletechsup", later: true, shares: true, unit: true},
	{name: "c0135", later: true, shares: true, unit: true},
	{name: "modbus-generic", later: true, shares: true, unit: true},
}

func driverNames() []string {
	names := make([]string, len(drivers))
	for i, d := range drivers {
		names[i] = d.name
	}
	return names
}

func driverOf(name string) (driver, bool) {
	for _, d := range drivers {
		if d.name == name {
			return d, true
		}
	}
	return driver{}, false
}
