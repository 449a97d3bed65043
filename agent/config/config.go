package config

import (
	"fmt"
	"io"
	"os"

	"longarm/device"
	"longarm/push/client"
)

// MaxSize is the largest config file that is read, in bytes.
const MaxSize = 1 << 20

// maxFaults bounds what one file can make us remember: a box has little memory.
const maxFaults = 256

// Config is what a file says, as far as it is right.
//
// A target with a fault is not in Device but in Dropped. A syntax error hides
// what follows it, and that may be an interlock: no output is served then, but
// the sections that were complete before it ([push] above all) are still used.
type Config struct {
	Push     client.Config
	PushOK   bool // [push] is there and says right where to poll, as whom and how safely
	Device   device.Spec
	StateDir string   // absolute
	Dropped  []string // names of the targets left out, in the order of the file; output[2] when it has no right name
	// Parts say of a group or machine without a fault of its own that is left
	// out, which of its parts is.
	Parts    map[string]string
	Warnings []Fault // what is allowed but probably not meant, in the order of the file
}

// Fault is one thing that is wrong in a file. Line counts from 1. Field is
// the key with its section, such as `output "router".contact`.
type Fault struct {
	File             string
	Line             int
	Field, Want, Got string
}

// Error is the fault in one line: "file:line: field: want X, got Y".
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d: %s: want %s, got %s", f.File, f.Line, f.Field, f.Want, f.Got)
}

// Load reads the file at path. The faults are in the order of their lines; at
// most 256 are told, then one that counts the rest. The error says only that
// the file could not be read; a bad file is never an error.
func Load(path string) (Config, []Fault, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, nil, fmt.Errorf("read config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Config{}, nil, fmt.Errorf("read config: %w", err)
	}
	c, faults := Parse(path, data)
	return c, faults, nil
}

// Parse is Load for a file that has been read. The name is for the faults only.
func Parse(name string, data []byte) (Config, []Fault) {
	r := &reader{file: name, sections: map[string][]*section{}}
	r.parse(data)
	c := r.config()
	c.Warnings = sortFaults(r.warnings)
	return c, r.told()
}

func (r *reader) parse(data []byte) {
	if len(data) > MaxSize {
		r.faultAt(1, "file", "at most 1 MiB", "more")
		r.cut = true
		return
	}
	root := r.tree(data)
	r.root(root)
	r.checkNames()
	r.checkLines()
	r.checkPorts()
	r.checkChannels()
	r.checkWholes()
	r.checkRules()
	r.dropRuled()
}

func (r *reader) config() Config {
	c := Config{StateDir: r.stateDir()}
	c.Push, c.PushOK = r.push()
	c.Device.Boards = r.boards()
	c.Device.Outputs = r.outputs()
	c.Device.Inputs = r.inputs()
	c.Device.Groups, c.Device.Machines, c.Device.Ports = r.groups(), r.machines(), r.ports()
	r.checkTriggers(c.Device)
	r.checkCycles(c.Device)
	c.Device.Triggers = r.triggers()
	c.Device.Interlocks, c.Device.Lockout = r.interlocks(), r.lockout()
	c.Device.PowerFail = r.powerFail()
	c.Device.OfflineSafeAfter = r.offline()
	c.Dropped, c.Parts = r.dropped(), r.parts()
	return c
}
