package device

import "time"

// Load says what the thing behind a relay has: "on", "off" or "unknown". It
// is what users and policies speak of (design.md section 2).
type Load string

// The loads. LoadUnknown is only ever reported, never asked for.
const (
	LoadOn      Load = "on"
	LoadOff     Load = "off"
	LoadUnknown Load = "unknown"
)

// Contact says which relay contact the load is wired to: "no" (normally open:
// load on = relay driven) or "nc" (normally closed: load on = relay released).
// The zero value means "no".
type Contact string

// The contacts.
const (
	ContactNO Contact = "no"
	ContactNC Contact = "nc"
)

// LineRef names one GPIO line. Chip is the chip's label, never its number;
// empty means that the line's name must be unique in the machine. Line is the
// line's name or its offset in decimal. ActiveLow: active is the low level.
type LineRef struct {
	Chip, Line string
	ActiveLow  bool
}

// OutputSpec is one output as the owner describes it. Exactly one of Line and
// Board is set.
type OutputSpec struct {
	Name       string
	Line       LineRef       // a GPIO line; or
	Board      string        // the name of a BoardSpec and
	Channel    int           // its channel, counted from 1
	Contact    Contact       // "" = "no"
	Safe       Load          // "" = the undriven relay (no → off, nc → on)
	AtStart    string        // "" or "keep" = adopt; "off", "on" = that load
	Longest    time.Duration // bounds the widths of pulse and cycle; 0 = DefaultLongest
	MinDwell   time.Duration // least time since the last edge; 0 = none
	MaxOn      time.Duration // the load goes off by itself after it; 0 = none
	MaxPerHour int           // started actions in any hour; 0 = none
	Offline    time.Duration // to safe when the service is away so long; 0 = Spec.OfflineSafeAfter; negative = never
	PowerFail  string        // "" = PowerFailSpec.Outputs; "safe"; "hold"

	Confirm       string        // input that is active while the load is on; "" = none
	ConfirmWithin time.Duration // it shows an edge within; 0 = DefaultConfirm
}

// DefaultConfirm is how soon an input must show what the load does.
const DefaultConfirm = 2 * time.Second

// DefaultLongest bounds the widths of pulse and cycle when an output says nothing.
const DefaultLongest = time.Minute

// SafeActive is the line level of the output's safe load.
func (s OutputSpec) SafeActive() bool {
	if s.Safe == "" {
		return false // the undriven relay
	}
	return s.ActiveFor(s.Safe)
}

// SafeLoad is the load of the output's safe level.
func (s OutputSpec) SafeLoad() Load { return s.LoadFor(s.SafeActive()) }

// ActiveFor is the line level that gives the load l, which is on or off.
func (s OutputSpec) ActiveFor(l Load) bool {
	return (l == LoadOn) != (s.Contact == ContactNC)
}

// LoadFor is the load that the line level gives.
func (s OutputSpec) LoadFor(active bool) Load {
	if active != (s.Contact == ContactNC) {
		return LoadOn
	}
	return LoadOff
}

// LongestWidth is the bound of pulse and cycle widths, defaults applied.
func (s OutputSpec) LongestWidth() time.Duration {
	if s.Longest <= 0 {
		return DefaultLongest
	}
	return s.Longest
}

// InputSpec is one input line. Bias is "as-is" ("" too), "pull-up",
// "pull-down" or "disabled"; Debounce 0 = none.
type InputSpec struct {
	Name     string
	Line     LineRef
	Bias     string
	Debounce time.Duration
}

// BoardSpec is one serial relay board. Driver is a family of device/board,
// Port a path (or "sim:" in a simulation), Baud 0 and Parity "" the family's
// own, Unit the address (0 = the family's own), AtConnect "adopt" ("" too),
// "safe" or "unknown": what a (re)connected board's state is taken for. Map is
// of a family that is spoken to as the config says; nil = it is not.
type BoardSpec struct {
	Name, Driver, Port string
	Channels, Baud     int
	Parity             string
	Unit               int
	AtConnect          string
	Map                *BoardMap
}

// BoardMap is how a Modbus board is spoken to: Function 5 or 6 writes On or Off
// to the coil or register Base + channel - 1; function 1 or 3 reads back, Read 0
// = none does.
type BoardMap struct {
	Function, Base, On, Off, Read int
}

// PowerFailSpec is the power-fail line and what follows when it falls
// (design.md section 4, Power fail).
type PowerFailSpec struct {
	Line          LineRef
	ActiveHigh    bool // high means that the power is lost
	Debounce      time.Duration
	LostAfter     time.Duration
	HoldUp        time.Duration
	RestoredAfter time.Duration
	Outputs       string // "safe" or "hold"; "" = "safe"
	Then          string // "stay", "poweroff" or "reboot"
}

// Spec is the whole box. Names of outputs and inputs share one name space and
// are unique; New does not check what agent/config has checked.
type Spec struct {
	Outputs          []OutputSpec
	Inputs           []InputSpec
	Boards           []BoardSpec
	Machines         []MachineSpec
	Ports            []PortSpec
	Groups           []GroupSpec
	Triggers         []TriggerSpec
	PowerFail        *PowerFailSpec
	OfflineSafeAfter time.Duration // 0 = never
	Interlocks       []InterlockSpec
	Lockout          *InputSpec // active = locked out, its Name is not used; nil = there is none
}
