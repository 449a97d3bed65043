package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"longarm/device/board"
)

func TestTenFaultsAtOnce(t *testing.T) {
	c, got := told(`[push]
url = "http://push.example.net"
container = "c"
key_file = "/etc/longarm/key"
auth = "basic"

[[output]]
name = "Router"
line = 17

[[output]]
name = "pump"
board = "usb1"
channel = 9
colour = "red"

[[output]]
name = "good"
line = "GPIO4"
safe = "on"

[[board]]
name = "usb1"
driver = "lcus"
port = "ttyUSB0"
channels = 4

[power_fail]
hold_up = "-1s"

[offlin]
safe_after = "10m"
`)
	same(t, got, []string{
		`f.toml:2: push.url: want https://host[:port][/prefix], got the scheme "http"`,
		`f.toml:5: push.auth: want "header" or "query", got "basic"`,
		`f.toml:8: output[1].name: want a name of at most 32 of a-z, 0-9 and -, such as "router", got "Router"`,
		`f.toml:9: output[1].line: want text in quotes, got 17`,
		`f.toml:14: output "pump".channel: want a channel from 1 to 4 of board "usb1", got 9`,
		`f.toml:15: output "pump".colour: want one of ` + strings.Join(keysOf("output"), ", ") + `, got an unknown key`,
		`f.toml:25: board "usb1".port: want an absolute path or "sim:", got "ttyUSB0"`,
		`f.toml:28: power_fail.line: want text in quotes, got nothing`,
		`f.toml:29: power_fail.hold_up: want a duration from 10ms to 24h in quotes, such as "500ms", got "-1s"`,
		`f.toml:31: [offlin]: want one of ` + headings() + `, got an unknown table`,
	})
	same(t, c.Dropped, []string{"output[1]", "pump"})
	if len(c.Device.Outputs) != 1 || c.Device.Outputs[0].Name != "good" || c.PushOK || c.Device.PowerFail != nil {
		t.Errorf("got %+v, want only the output good", c)
	}
	same(t, lined(c.Warnings), []string{
		`f.toml:20: output "good".safe: want "off", the undriven relay of contact "no", got "on", which a dead agent or a box without power cannot hold`,
	})
}

func TestInlineKeyIsNeverShown(t *testing.T) {
	valid := example(t, "valid.toml")
	for _, line := range []string{
		`key = "s3cret"`, `Key = "s3cret"`, `"key" = "s3cret"`, `api_key = "s3cret"`, `apiKey = 's3cret'`, `key.s3cret = 1`, `key = ["s3cret"]`,
	} {
		c, got := told(strings.Replace(valid, "[push]\n", "[push]\n"+line+"\n", 1))
		if len(got) != 1 || !strings.Contains(got[0], "never in the config") || strings.Contains(got[0], "s3cret") || !strings.HasPrefix(got[0], "f.toml:2: push.") {
			t.Errorf("%s: got %v", line, got)
		}
		if !c.PushOK {
			t.Errorf("%s: push is not usable although key_file is right", line)
		}
	}
}

func TestUnknownKeyDarkensNoBox(t *testing.T) {
	c, got := told(strings.Replace(example(t, "valid.toml"), "[push]\n", "[push]\nproxy = \"x\"\n", 1))
	if len(got) != 1 || !c.PushOK {
		t.Errorf("got %v and push usable %v, want one fault and true", got, c.PushOK)
	}
}

// TestUnreadableInterlock: who it concerns nobody knows, so nothing is driven.
func TestUnreadableInterlock(t *testing.T) {
	for _, rule := range []string{
		"[[interlock]]\noutput = [\"router\", \"x\"]\n", "[[interlock]]\noutputs = [\"router\", \"puump\"]\n", "[interlock]\noutputs = 5\n", "lockout = 3\n", "[[lockout]]\nline = 5\n",
	} {
		c, got := told(rule + example(t, "valid.toml"))
		if len(got) == 0 || len(c.Device.Outputs) > 0 {
			t.Errorf("%s: got faults %v and outputs %v, want faults and no outputs", rule, got, c.Device.Outputs)
		}
	}
}

func TestSharedBus(t *testing.T) {
	bus := func(name, driver, more string) string {
		return fmt.Sprintf("[[board]]\nname = \"%s\"\ndriver = \"%s\"\nport = \"/dev/bus\"\nchannels = 8\n%s\n", name, driver, more)
	}
	for _, test := range []struct{ a, b, want string }{
		{"", bus("b", "waveshare", "unit = 2"), ""},
		{"", bus("b", "waveshare", "unit = 2\nbaud = 9600\nparity = \"none\""), ""},
		{"", bus("b", "waveshare", "unit = 1"), `51: board "b".port: want a unit of its own on this bus, got that of board "a" (line 45)`},
		{"unit = 7", bus("b", "waveshare", "unit = 7"), `51: board "b".port: want a unit of its own on this bus, got that of board "a" (line 45)`},
		{"", bus("b", "lcus", ""), `51: board "b".port: want a port of its own, got that of board "a" (line 45)`},
		{"", bus("b", "waveshare", "unit = 2\nbaud = 19200"), `54: board "b".baud: want one speed on this bus, got that of board "a" (line 42)`},
		{"", bus("b", "waveshare", "unit = 2\nparity = \"even\""), `54: board "b".parity: want one parity on this bus, got that of board "a" (line 42)`},
		{"parity = \"even\"", bus("b", "waveshare", "unit = 2\nparity = \"even\""), ""},
	} {
		_, got := told(example(t, "valid.toml") + bus("a", "waveshare", test.a) + test.b)
		var want []string
		if test.want != "" {
			want = []string{"f.toml:" + test.want}
		}
		same(t, got, want)
	}
}

// TestEveryFamily: a board of each family that is served, and of each size.
func TestEveryFamily(t *testing.T) {
	for _, name := range drivers {
		f, err := board.Find(name)
		text := example(t, "valid.toml") + "[[board]]\nname = \"x\"\ndriver = \"" + name + "\"\nport = \"/dev/x\"\nchannels = %d\n"
		if f.Map {
			text += "map = { function = 6, base = 1, on = 0x100, off = 0, read = 3 }\n"
		}
		if err != nil {
			_, got := told(fmt.Sprintf(text, 8))
			same(t, got, []string{"f.toml:44: board \"x\".driver: want " + servedDrivers() + `, got "` + name + `", ` + notServed})
			continue
		}
		sizes := f.Sizes
		if sizes == nil {
			sizes = []int{1, board.MostChannels}
		}
		for _, n := range sizes {
			c, got := told(fmt.Sprintf(text, n))
			same(t, got, nil)
			if b := c.Device.Boards; len(b) != 2 || b[1].Channels != n || (b[1].Map != nil) != f.Map {
				t.Errorf("%s of %d: got %+v", name, n, b)
			}
		}
	}
	for _, f := range board.Families() {
		if !slices.Contains(drivers, f.Name) {
			t.Errorf("%s is none of the pinned drivers", f.Name)
		}
	}
}

// TestMapOfAModbusBoard: section 1.9 of hardware.md, "relay map … in config".
func TestMapOfAModbusBoard(t *testing.T) {
	const faults = `f.toml:47: board "bus".map.`
	for text, want := range map[string]string{
		"function = 5, on = 0xFF00, off = 0, read = 1":                    "",
		"function = 6, base = 65528, on = 0x0100, off = 0x0200, read = 3": "",
		"function = 6, on = 0, off = 1":                                   "",
		"function = 5, on = 1, off = 0, read = 0":                         "read: want 1 or 3, got 0",
		"function = 5, on = 1, off = 0, read = 2":                         "read: want 1 or 3, got 2",
		"function = 5, on = 1, off = 0, read = 4":                         "read: want 1 or 3, got 4",
		"function = 16, on = 1, off = 0":                                  "function: want 5 or 6, got 16",
		"function = 5, on = 65536, off = 0":                               "on: want a whole number from 0 to 65535, got 65536",
		"function = 5, on = 0x100, off = 256":                             "off: want another value than on, 0x100, got 256",
		"function = 6, base = 65529, on = 1, off = 0":                     "base: want one with room for 8 channels up to 65535, got 65529",
	} {
		c, got := told(example(t, "valid.toml") + "[[board]]\nname = \"bus\"\ndriver = \"modbus-generic\"\nport = \"/dev/x\"\nchannels = 8\nmap = { " + text + " }\n" +
			"[[output]]\nname = \"x\"\nboard = \"bus\"\nchannel = 8\n")
		if want == "" {
			same(t, got, nil)
			if b := c.Device.Boards; len(b) != 2 || b[1].Map == nil {
				t.Errorf("%s: got %+v", text, b)
			}
			continue
		}
		same(t, got, []string{faults + want})
		same(t, c.Dropped, []string{"x"})
	}
}

// TestManyFaults: a bad file cannot fill the box's memory.
func TestManyFaults(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	_, got := told(b.String())
	if len(got) != maxFaults {
		t.Fatalf("got %d faults, want %d", len(got), maxFaults)
	}
	if want := "f.toml:255: file: want fewer faults, got 49746 more from here on"; got[maxFaults-1] != want {
		t.Errorf("got %s, want %s", got[maxFaults-1], want)
	}
}

func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing", "\ufeff"} {
		_, got := told(text)
		same(t, got, []string{"f.toml:1: push: want a [push] table, got none"})
	}
}

func TestOtherSpellings(t *testing.T) {
	c, got := told("\ufeffpush = { url = \"https://a\", container = \"c\", key_file = \"/k\" }\r\noffline.safe_after = '5m'\r\noutput = [{name=\"x\", line=\"0x\", max_per_hour=0x10}]\r\n")
	same(t, got, nil)
	if !c.PushOK || len(c.Device.Outputs) != 1 || c.Device.Outputs[0].MaxPerHour != 16 || c.Device.OfflineSafeAfter == 0 {
		t.Errorf("got %+v", c)
	}
}

// TestInnerTables: a fault in a part is told with the whole's name and leaves the whole out.
func TestInnerTables(t *testing.T) {
	_, got := told(example(t, "valid.toml") + `[[port]]
name = "ups"
device = "ttyUSB0"
[[port.exchange]]
name = "status"
timeout = "1h"
[[port.exchange]]
send = "x\u0001"
[[board]]
name = "bus"
driver = "modbus-generic"
port = "sim:"
channels = 8
map = { function = 4, on = 1, off = 0, of = 3, read = 2 }
`)
	got = slices.DeleteFunc(got, func(f string) bool { return strings.Contains(f, ".driver: ") }) // it may not be served yet
	same(t, got, []string{
		`f.toml:44: port "ups".device: want an absolute path or "sim:", got "ttyUSB0"`,
		`f.toml:45: port "ups".exchange "status".send: want text in quotes, got nothing`,
		`f.toml:47: port "ups".exchange "status".timeout: want a duration from 1ms to 1m in quotes, such as "500ms", got "1h"`,
		`f.toml:48: port "ups".exchange[2].name: want a name of at most 32 of a-z, 0-9 and -, such as "router", got nothing`,
		`f.toml:55: board "bus".map.function: want 5 or 6, got 4`,
		`f.toml:55: board "bus".map.of: want one of function, base, on, off, read, got an unknown key`,
		`f.toml:55: board "bus".map.read: want 1 or 3, got 2`,
	})
	c, got := told(example(t, "valid.toml") + "[[port]]\nname = \"ups\"\ndevice = \"/dev/a\"\n[[port.exchange]]\nsend = 5\n[board.map]\nx = 1")
	if len(got) != 7 {
		t.Errorf("got %d faults: %v", len(got), got)
	}
	same(t, c.Dropped, []string{"pump", "ups"})
}
