// Package wire is what the host (lab/guest) and the program inside a guest (lab/inside) say
// to each other: one JSON value a line, both ways, over a virtio-serial port. A request
// carries an id that its replies repeat, so requests run side by side. It does no I/O.
package wire

// Config travels in the initramfs as /lab/config.json.
type Config struct {
	Mode     string   `json:"mode"`     // "mini": the program inside stays PID 1; "systemd": it makes way for it
	Modules  []string `json:"modules"`  // kernel modules, in the order of loading
	Chips    []Chip   `json:"chips"`    // gpio-sim chips to make
	KeepSoC  bool     `json:"keep_soc"` // keep the board's own GPIO chip; otherwise it is unbound, so that gpio-sim is gpiochip0
	Trace    bool     `json:"trace"`    // record what outputs are set to, from before the chips are made
	Net      bool     `json:"net"`      // mini: bring eth0 up as 10.0.2.15/24 via 10.0.2.2
	Root     string   `json:"root"`     // systemd: block device of the root
	Hostname string   `json:"hostname"` //
	Time     int64    `json:"time"`     // unix nanoseconds; the clock is set to it if it is behind
}

// Chip is one gpio-sim chip (kernel documentation, admin-guide/gpio/gpio-sim.rst).
type Chip struct {
	Name  string         `json:"name"`  // its folder in configfs
	Label string         `json:"label"` // as gpiodetect shows it, e.g. "pinctrl-bcm2711"
	Lines int            `json:"lines"`
	Names map[int]string `json:"names"`
	Pulls map[int]int    `json:"pulls,omitempty"` // offset → level before anything drives the line; others are pulled down
}

// Request is sent by the host.
type Request struct {
	ID   int64    `json:"id"`
	Op   string   `json:"op"` // hello exec kill put copy link get share pull value waitvalue trace resume poweroff
	Argv []string `json:"argv,omitempty"`
	Env  []string `json:"env,omitempty"`  // exec: besides the server's own
	Dir  string   `json:"dir,omitempty"`  // exec: default /
	Ref  int64    `json:"ref,omitempty"`  // kill: the exec request to signal
	Sig  int      `json:"sig,omitempty"`  // kill: signal number
	Src  string   `json:"src,omitempty"`  // copy: the file to copy; link: the target
	Path string   `json:"path,omitempty"` // put, copy, link, get, share: where, in the guest
	Mode uint32   `json:"mode,omitempty"` // put, copy
	More bool     `json:"more,omitempty"` // put: append to the file rather than replace it
	Data []byte   `json:"data,omitempty"` // put: contents; resume: random numbers
	Line string   `json:"line,omitempty"` // pull, value, waitvalue: a line's name or "LABEL:OFFSET"
	Val  int      `json:"val"`            // pull, waitvalue
	MS   int      `json:"ms,omitempty"`   // waitvalue: limit
	NS   int64    `json:"ns,omitempty"`   // resume: time of day
}

// What a reply says. OK, Fail and Exit are the last reply to their request; exec is answered
// with Started, Out and Err in any number, Exit; get with Data in any number, OK.
const (
	Hello   = "hello" // answers no request: the server has started
	OK      = "ok"
	Fail    = "fail"    // Msg says why
	Data    = "data"    // a part of a file
	Started = "started" // the program runs
	Out     = "out"
	Err     = "err"
	Exit    = "exit" // Code is the exit code, 128+n for signal n
)

// Reply is sent by the guest.
type Reply struct {
	ID   int64  `json:"id"`
	Ev   string `json:"ev"` // one of the above
	Data []byte `json:"data,omitempty"`
	Code int    `json:"code"` // exit code; value, waitvalue: the level
	Msg  string `json:"msg,omitempty"`
	NS   int64  `json:"ns,omitempty"` // the guest's CLOCK_MONOTONIC when it happened
}

// Last says whether no other reply to its request follows.
func (r Reply) Last() bool { return r.Ev == OK || r.Ev == Fail || r.Ev == Exit }
