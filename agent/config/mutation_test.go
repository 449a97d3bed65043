package config

import (
	"slices"
	"strings"
	"testing"
)

// mutations are single changes to testdata/valid.toml: what is replaced by
// what, the fault, and which targets are left out for it.
var mutations = []struct {
	old, new string
	fault    string // without the file name
	dropped  string
}{
	// [push]
	{`url = "https://push.example.net:8443/site"`, ``, `1: push.url: want url or urls, got neither`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "http://push.example.net"`, `2: push.url: want https://host[:port][/prefix], got the scheme "http"`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "push.example.net"`, `2: push.url: want https://host[:port][/prefix], got no https://`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "https://a:s3cret@b"`, `2: push.url: want https://host[:port][/prefix] and the key in key_file, got a user or password in the address (not shown)`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "https://b/?apiKey=s3cret"`, `2: push.url: want https://host[:port][/prefix] and the key in key_file, got a query or fragment (not shown)`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "https://b:70000"`, `2: push.url: want a port from 1 to 65535, got "70000"`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "https:///x"`, `2: push.url: want https://host[:port][/prefix], got no host`, ``},
	{`url = "https://push.example.net:8443/site"`, `url = "https://b%zz"`, `2: push.url: want https://host[:port][/prefix], got what is not an address`, ``},
	{`url = "https://push.example.net:8443/site"`, `urls = []`, `2: push.urls: want a list of 1 to 8 texts, got a list of 0`, ``},
	{`url = "https://push.example.net:8443/site"`, `urls = ["https://a", 5]`, `2: push.urls: want a list of 1 to 8 texts, got a list with a number in it`, ``},
	{`url = "https://push.example.net:8443/site"`, `urls = ["https://a", "https://a"]`, `2: push.urls: want a list of 1 to 8 texts, got a list with "https://a" in it twice`, ``},
	{`url = "https://push.example.net:8443/site"`, "urls = [\n  \"https://a\",\n  \"ftp://b\",\n]", `4: push.urls: want https://host[:port][/prefix], got the scheme "ftp"`, ``},
	{`container = "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"`, ``, `1: push.container: want container or container_file, got neither`, ``},
	{`container = "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"`, `container = "a/b"`, `3: push.container: want an id without spaces, /, ?, # and %, got "a/b"`, ``},
	{`container = "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"`, `container = "a\u0000b"`, `3: push.container: want text in quotes, got text with a control character`, ``},
	{`key_file = "/etc/longarm/key"`, ``, `1: push.key_file: want text in quotes, got nothing`, ``},
	{`key_file = "/etc/longarm/key"`, `key_file = 815815`, `4: push.key_file: want text in quotes, got a number`, ``},
	{`key_file = "/etc/longarm/key"`, `key_file = ""`, `4: push.key_file: want text in quotes, got empty text`, ``},
	{`key_file = `, "container_file = \"/c\"\nkey_file = ", `4: push.container_file: want container or container_file, not both, got both`, ``},
	{`key_file = `, "urls = [\"https://a\"]\nkey_file = ", `4: push.urls: want url or urls, not both, got both`, ``},
	{`key_file = `, "auth = \"Header\"\nkey_file = ", `4: push.auth: want "header" or "query", got "Header"`, ``},
	{`key_file = `, "tls_min = \"1.1\"\nkey_file = ", `4: push.tls_min: want "1.3" or "1.2", got "1.1"`, ``},
	{`key_file = `, "tls_min = 1.2\nkey_file = ", `4: push.tls_min: want "1.3" or "1.2", got a fraction`, ``},
	{`key_file = `, "key_exchange = \"rsa\"\nkey_file = ", `4: push.key_exchange: want "" or "classic", got "rsa"`, ``},
	{`key_file = `, "client_cert = \"/c\"\nkey_file = ", `4: push.client_cert: want client_key beside it, got it alone`, ``},
	{`key_file = `, "client_key = \"/c\"\nkey_file = ", `4: push.client_key: want client_cert beside it, got it alone`, ``},
	{`key_file = `, "pins = [\"sha256/abc\"]\nkey_file = ", `4: push.pins: want "sha256/" and 44 characters of base64, as "longarm serve" prints it, got "sha256/abc"`, ``},
	{`key_file = "/etc/longarm/key"`, "key_file = \"/k\"\nkey_file = \"/l\"", `5: push.key_file: want it once (line 4 has it), got it again`, ``},
	{`[push]`, `[[push]]`, `1: push: want [push], got [[push]]`, ``},
	// tables
	{`[offline]`, `[ofline]`, `37: [ofline]: want one of [push], [[output]], [[board]], [[input]], [[machine]], [[port]], [[interlock]], [[group]], [[trigger]], [lockout], [power_fail], [offline] or [state], got an unknown table`, ``},
	{`[push]`, "debug = true\n[push]", `1: debug: want it under the heading of a table such as [push], got a key outside of any table`, ``},
	{`[push]`, "interlock = 5\n[push]", `1: interlock: want [[interlock]], got a number`, `router pump`},
	{`[offline]`, "[state]\n[offline]", `41: state: want one [state] (line 37 has it), got another one`, ``},
	{`[[board]]`, `[board]`, `22: board "usb1": want [[board]], got [board]`, `pump`},
	// [[output]]
	{`name = "router"`, `name = "Router"`, `7: output[1].name: want a name of at most 32 of a-z, 0-9 and -, such as "router", got "Router"`, `output[1]`},
	{`name = "pump"`, ``, `15: output[2].name: want a name of at most 32 of a-z, 0-9 and -, such as "router", got nothing`, `output[2]`},
	{`name = "pump"`, `name = "agent"`, `16: output "agent".name: want another name: agent is the box itself, got "agent"`, `agent`},
	{`name = "pump"`, `name = "router"`, `16: output "router".name: want a name of its own, got that of output "router" (line 7)`, `router`},
	{`name = "led"`, `name = "pump"`, `29: input "pump".name: want a name of its own, got that of output "pump" (line 16)`, `pump`},
	{`contact = "nc"`, `contact = "normally closed"`, `11: output "router".contact: want "no" or "nc", got "normally closed"`, `router`},
	{`contact = "nc"`, `contact = "nc"` + "\n" + `safe = "maybe"`, `12: output "router".safe: want "on" or "off", got "maybe"`, `router`},
	{`contact = "nc"`, `contact = "nc"` + "\n" + `at_start = "safe"`, `12: output "router".at_start: want "keep", "off" or "on", got "safe"`, `router`},
	{`active_low = true`, `active_low = "yes"`, `10: output "router".active_low: want true or false, got the text "yes"`, `router`},
	{`longest = "30s"`, `longest = 30`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got 30`, `router`},
	{`longest = "30s"`, `longest = "0s"`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got "0s"`, `router`},
	{`longest = "30s"`, `longest = "-5s"`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got "-5s"`, `router`},
	{`longest = "30s"`, `longest = inf`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got inf`, `router`},
	{`longest = "30s"`, `longest = "87600h"`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got "87600h"`, `router`},
	{`longest = "30s"`, `longest = 2026-01-01`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got 2026-01-01`, `router`},
	{`longest = "30s"`, `longest = "never"`, `12: output "router".longest: want a duration from 1ms to 24h in quotes, such as "500ms", got "never"`, `router`},
	{`longest = "30s"`, `longset = "30s"`, `12: output "router".longset: want one of name, chip, line, board, channel, active_low, contact, safe, at_start, longest, min_dwell, max_on, max_per_hour, confirm, confirm_within, offline, power_fail, got an unknown key`, `router`},
	{`longest = "30s"`, `max_per_hour = 0`, `12: output "router".max_per_hour: want a whole number from 1 to 3600, got 0`, `router`},
	{`longest = "30s"`, `max_per_hour = 99999999999999999999`, `12: output "router".max_per_hour: want a whole number from 1 to 3600, got 99999999999999999999`, `router`},
	{`offline = "never"`, `offline = "1ms"`, `13: output "router".offline: want a duration from 100ms to 720h in quotes, such as "500ms", or "never", got "1ms"`, `router`},
	{`line = "GPIO17"`, ``, `6: output "router".line: want line, or board and channel, got neither`, `router`},
	{`line = "GPIO17"`, `line = "GPIO6"`, `34: power_fail.line: want a line of its own, or chip to tell them apart, got that of output "router" (line 9)`, `router`},
	{`line = "GPIO24"`, "line = \"GPIO17\"\nchip = \"pinctrl-bcm2711\"", `30: input "led".line: want a line of its own, got that of output "router" (line 9)`, `router led`},
	{`chip = "pinctrl-bcm2711"`, `chip = "gpiochip0"`, `8: output "router".chip: want the chip's label, since its number changes between kernels, got "gpiochip0"`, `router`},
	{`line = "GPIO24"`, `line = "24"`, `28: input "led".chip: want the chip's label, since line "24" is an offset, got nothing`, `led`},
	{`channel = 3`, `channel = 5`, `18: output "pump".channel: want a channel from 1 to 4 of board "usb1", got 5`, `pump`},
	{`channel = 3`, `channel = 0`, `18: output "pump".channel: want a whole number from 1 to 64, got 0`, `pump`},
	{`channel = 3`, ``, `15: output "pump".channel: want the channel of the board, got nothing`, `pump`},
	{`board = "usb1"`, ``, `15: output "pump".board: want the board of the channel, got nothing`, `pump`},
	{`board = "usb1"`, `board = "usb2"`, `17: output "pump".board: want the name of a [[board]], got "usb2"`, `pump`},
	{`max_on = "10m"`, `line = "GPIO9"`, `17: output "pump".board: want line, or board and channel, not both, got both`, `pump`},
	{`max_on = "10m"`, `active_low = true`, `19: output "pump".active_low: want it left out: it is for a line, not for a board's channel, got it`, `pump`},
	{`[[board]]`, "[[output]]\nname = \"two\"\nboard = \"usb1\"\nchannel = 3\n[[board]]", `25: output "two".channel: want a channel of its own, got that of output "pump" (line 18)`, `pump two`},
	{`[[board]]`, "[[output]]\nname = \"two\"\nchip = \"pinctrl-bcm2711\"\nline = \"GPIO17\"\n[[board]]", `25: output "two".line: want a line of its own, got that of output "router" (line 9)`, `router two`},
	// [[board]]
	{`driver = "lcus"`, `driver = "acme"`, `24: board "usb1".driver: want "lcus", "lcus-feedback", "kmtronic", "numato", "denkovi16", "devantech", "conrad", "k8090", "waveshare", "lctech", "eletechsup", "c0135" or "modbus-generic", got "acme"`, `pump`},
	{`channels = 4`, `channels = 6`, `26: board "usb1".channels: want 1, 2, 4 or 8, the sizes of lcus, got 6`, `pump`},
	{`port = "/dev/serial/by-path/one"`, `port = "ttyUSB0"`, `25: board "usb1".port: want an absolute path or "sim:", got "ttyUSB0"`, `pump`},
	{`channels = 4`, "channels = 4\nparity = \"mark\"", `27: board "usb1".parity: want "none", "even" or "odd", got "mark"`, `pump`},
	{`channels = 4`, "channels = 4\nmap = { function = 5, on = 1, off = 0 }", `27: board "usb1".map: want it left out: lcus is spoken to in one way, got it`, `pump`},
	{`channels = 4`, "channels = 4\nat_connect = \"off\"", `27: board "usb1".at_connect: want "adopt", "safe" or "unknown", got "off"`, `pump`},
	{`[[input]]`, "[[board]]\nname = \"usb2\"\ndriver = \"lcus\"\nport = \"/dev/serial/by-path/one\"\nchannels = 1\n[[input]]", `31: board "usb2".port: want a port of its own, got that of board "usb1" (line 25)`, `pump`},
	{`[[input]]`, "[[board]]\nname = \"usb1\"\ndriver = \"lcus\"\nport = \"/dev/two\"\nchannels = 1\n[[input]]", `29: board "usb1".name: want a name of its own, got that of board "usb1" (line 23)`, `pump`},
	// [[input]], [power_fail], [offline], [state]
	{`debounce = "100ms"`, `debounce = "11s"`, `31: input "led".debounce: want a duration from 100µs to 10s in quotes, such as "500ms", got "11s"`, `led`},
	{`debounce = "100ms"`, `bias = "up"`, `31: input "led".bias: want "as-is", "pull-up", "pull-down" or "disabled", got "up"`, `led`},
	{`active = "low"`, `active = "falling"`, `35: power_fail.active: want "high" or "low", got "falling"`, ``},
	{`active = "low"`, `outputs = "off"`, `35: power_fail.outputs: want "safe" or "hold", got "off"`, ``},
	{`active = "low"`, `then = "halt"`, `35: power_fail.then: want "stay", "poweroff" or "reboot", got "halt"`, ``},
	{`safe_after = "1h"`, `safe_after = "10 years"`, `38: offline.safe_after: want a duration from 100ms to 720h in quotes, such as "500ms", or "never", got "10 years"`, ``},
	{`dir = "/srv/longarm"`, `dir = "state"`, `41: state.dir: want an absolute path, got "state"`, ``},
	{`[state]`, "[[input]]\nname = \"door\"\nchip = \"x\"\nline = \"GPIO24\"\n[state]", `43: input "door".line: want a line of its own, got that of input "led" (line 30)`, `led door`},
	{`[state]`, "[[input]]\nname = \"a\"\nchip = \"x\"\nline = \"07\"\n[[input]]\nname = \"b\"\nchip = \"x\"\nline = \"7\"\n[state]", `47: input "b".line: want a line of its own, got that of input "a" (line 43)`, `a b`},
}

func TestMutations(t *testing.T) {
	valid := example(t, "valid.toml")
	for _, m := range mutations {
		if strings.Count(valid, m.old) != 1 && !strings.HasPrefix(m.old, "[") {
			t.Fatalf("%q stands %d times in the valid file", m.old, strings.Count(valid, m.old))
		}
		c, got := told(strings.Replace(valid, m.old, m.new, 1))
		if want := []string{"f.toml:" + m.fault}; !slices.Equal(got, want) {
			t.Errorf("%s → %s\n got %s\nwant %s", m.old, m.new, strings.Join(got, "\n     "), want[0])
		}
		if d := strings.Join(c.Dropped, " "); d != m.dropped {
			t.Errorf("%s → %s: dropped %q, want %q", m.old, m.new, d, m.dropped)
		}
		if bad := strings.Contains(m.fault, " push"); c.PushOK == bad {
			t.Errorf("%s → %s: push usable %v, want %v", m.old, m.new, c.PushOK, !bad)
		}
		for _, o := range c.Device.Outputs {
			if slices.Contains(c.Dropped, o.Name) {
				t.Errorf("%s → %s: %s is dropped and served", m.old, m.new, o.Name)
			}
		}
	}
}
