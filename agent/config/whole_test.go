package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device"
)

func TestWholes(t *testing.T) {
	c, faults := told(example(t, "wholes.toml"))
	same(t, faults, nil)
	same(t, lined(c.Warnings), nil)
	got := device.Spec{Machines: c.Device.Machines, Ports: c.Device.Ports, Groups: c.Device.Groups, Triggers: c.Device.Triggers}
	want := device.Spec{
		Machines: []device.MachineSpec{{
			Name: "nas", Power: "btn", Reset: "rst", LED: "led",
			Press: 200 * time.Millisecond, Hold: 5500 * time.Millisecond, OnWithin: 30 * time.Second, OffWithin: 3 * time.Minute,
		}},
		Ports: []device.PortSpec{{
			Name: "ups", Device: "/dev/ups", Baud: 2400, Parity: "none", Gap: 100 * time.Millisecond,
			Exchanges: []device.ExchangeSpec{
				{Name: "status", Send: `Q1\r`, Expect: `^\((?P<input>\S+).*\r`, Timeout: 2 * time.Second, Retries: 2},
				{Name: "beep", Send: `B\x00`, Timeout: time.Second},
			},
		}},
		Groups: []device.GroupSpec{{Name: "rack", Members: []string{"modem", "lamp"}, Delay: 2 * time.Second}},
		Triggers: []device.TriggerSpec{
			{Input: "door", Edge: "off", Call: device.Command{Target: "lamp", Verb: "on", Args: []string{"30s"}}, Tries: 1},
			{Offline: 10 * time.Minute, Edge: "on", Call: device.Command{Target: "rack", Verb: "cycle", Args: []string{"10s"}}, Tries: 3, Then: time.Hour},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// wrongs are single changes to testdata/wholes.toml, as mutations are.
var wrongs = []struct{ old, new, fault, dropped string }{
	// [[group]]
	{`members = ["modem", "lamp"]`, `members = ["modem", "lammp"]`, `43: group "rack".members: want the name of an [[output]], got "lammp"`, `rack`},
	{`members = ["modem", "lamp"]`, `members = ["modem", "door"]`, `43: group "rack".members: want the name of an [[output]], got "door", which is input "door"`, `rack`},
	{`members = ["modem", "lamp"]`, `members = ["rack"]`, `43: group "rack".members: want the name of an [[output]], got "rack", which is group "rack"`, `rack`},
	{`members = ["modem", "lamp"]`, `members = ["modem", "nas"]`, `43: group "rack".members: want the name of an [[output]], got "nas", which is machine "nas"`, `rack`},
	{`members = ["modem", "lamp"]`, `members = ["modem", "modem"]`, `43: group "rack".members: want a list of 1 to 64 texts, got a list with "modem" in it twice`, `rack`},
	{`members = ["modem", "lamp"]`, `members = []`, `43: group "rack".members: want a list of 1 to 64 texts, got a list of 0`, `rack`},
	{`name = "rack"`, `name = "lamp"`, `42: group "lamp".name: want a name of its own, got that of output "lamp" (line 6)`, `lamp`},
	{`name = "rack"`, `name = "agent"`, `42: group "agent".name: want another name: agent is the box itself, got "agent"`, `agent`},
	{`delay = "2s"`, `delay = "2 s"`, `44: group "rack".delay: want a duration from 1ms to 1h in quotes, such as "500ms", got "2 s"`, `rack`},
	// a member that is left out takes the group with it, and is the only fault
	{`contact = "nc"`, `contact = "both"`, `4: output "modem".contact: want "no" or "nc", got "both"`, `modem rack`},
	// [[machine]]
	{`power = "btn"`, `power = "buttn"`, `22: machine "nas".power: want the name of an [[output]], got "buttn"`, `nas`},
	{`power = "btn"`, `power = "door"`, `22: machine "nas".power: want the name of an [[output]], got "door", which is input "door"`, `nas`},
	{`power = "btn"`, ``, `20: machine "nas".power: want a name of at most 32 of a-z, 0-9 and -, such as "router", got nothing`, `nas`},
	{`reset = "rst"`, `reset = "btn"`, `23: machine "nas".reset: want another output than power, got "btn"`, `nas`},
	{`led = "led"`, `led = "lamp"`, `24: machine "nas".led: want the name of an [[input]], got "lamp", which is output "lamp"`, `nas`},
	{`off_within = "3m"`, `hold = "40s"`, `25: machine "nas".hold: want a duration from 1s to 30s in quotes, such as "500ms", got "40s"`, `nas`},
	{`off_within = "3m"`, `off_within = "1s"`, `25: machine "nas".off_within: want a duration from 5s to 1h in quotes, such as "500ms", got "1s"`, `nas`},
	{`line = "GPIO3"`, "line = \"GPIO3\"\nlongest = \"1s\"", `21: machine "nas".hold: want what btn allows, got pulse of btn "5.5s" is too long: want 1ms to 1s, such as 500ms, 10s or 5m`, `nas`},
	{`line = "GPIO3"`, "line = \"GPIO3\"\nsafe = \"on\"", `23: machine "nas".power: want an output whose safe level releases the button, got "btn", which is safe while it is pressed`, `nas`},
	{`line = "GPIO4"`, "line = \"GPIO4\"\nlongest = \"100ms\"", `21: machine "nas".press: want what rst allows, got pulse of rst "200ms" is too long: want 1ms to 100ms, such as 500ms, 10s or 5m`, `nas`},
	{`[[port]]`, "[[machine]]\nname = \"pc\"\npower = \"btn\"\n[[port]]", `28: machine "pc".power: want a button of its own, got that of machine "nas" (line 22)`, `nas pc`},
	{`line = "GPIO5"`, `line = "5"`, `14: input "led".chip: want the chip's label, since line "5" is an offset, got nothing`, `led nas`},
	// [[port]]
	{`device = "/dev/ups"`, `device = "ups"`, `28: port "ups".device: want an absolute path or "sim:", got "ups"`, `ups`},
	{`device = "/dev/ups"`, `device = 'sim:\q'`, `28: port "ups".device: want "sim:" and what it replies, got escape "\\q": want \r, \n, \t, \xHH or \\`, `ups`},
	{`gap = "100ms"`, `gap = "0s"`, `30: port "ups".gap: want a duration from 1ms to 1m in quotes, such as "500ms", got "0s"`, `ups`},
	{`send = "Q1\\r"`, `send = 'Q1\q'`, `33: port "ups".exchange "status".send: want text with the escapes \r \n \t \xHH \\, got escape "\\q": want \r, \n, \t, \xHH or \\`, `ups`},
	{`expect = '^\((?P<input>\S+).*\r'`, `expect = '('`, `34: port "ups".exchange "status".expect: want a regular expression as Go's package regexp reads it, got error parsing regexp: missing closing ): ` + "`(`", `ups`},
	{`idempotent = true`, ``, `37: port "ups".exchange "status".retries: want idempotent = true beside it: what is asked again may be done twice, got 2 without it`, `ups`},
	{`retries = 2`, `retries = 6`, `37: port "ups".exchange "status".retries: want a whole number from 0 to 5, got 6`, `ups`},
	{`name = "beep"`, `name = "status"`, `39: port "ups".exchange "status".name: want a name of its own in this port, got that of port "ups".exchange "status" (line 32)`, `ups`},
	{`[[group]]`, "[[port]]\nname = \"ups2\"\ndevice = \"/dev//ups\"\nraw = true\n[[group]]", `43: port "ups2".device: want a device of its own, got that of port "ups" (line 28)`, `ups ups2`},
	{`[[group]]`, "[[port]]\nname = \"ups2\"\ndevice = \"/dev/b\"\n[[group]]", `41: port "ups2".exchange: want at least one [[port.exchange]], or raw = true, got neither`, `ups2`},
	{`[[group]]`, "[[board]]\nname = \"b\"\ndriver = \"lcus\"\nchannels = 1\nport = \"/dev/ups\"\n[[group]]", `45: board "b".port: want a port of its own, got that of port "ups" (line 28)`, `ups`},
	// [[trigger]]
	{`input = "door"`, `input = "dor"`, `46: trigger[1].input: want the name of an [[input]], got "dor"`, ``},
	{`input = "door"`, `input = "lamp"`, `46: trigger[1].input: want the name of an [[input]], got "lamp", which is output "lamp"`, ``},
	{`input = "door"`, `offline = "1m"`, `47: trigger[1].edge: want it left out: it is for input, got it`, ``},
	{`call = "lamp on 30s"`, `call = "lamp"`, `48: trigger[1].call: want a call as a button would say it, got command "lamp" has no verb: want TARGET VERB, such as "router cycle 10s"`, ``},
	{`call = "lamp on 30s"`, `call = "lmp on"`, `48: trigger[1].call: want the name of a target, got "lmp"`, ``},
	{`call = "lamp on 30s"`, `call = "agent reboot"`, `48: trigger[1].call: want the name of a target, got agent, which a trigger cannot call`, ``},
	{`call = "lamp on 30s"`, `call = "lamp toggle"`, `48: trigger[1].call: want a call that lamp understands, got there is no toggle: said twice it undoes itself, and nobody knows where it ends; lamp, an output, knows on, off, on 10m (a lease), pulse [500ms], cycle [10s], read`, ``},
	{`call = "lamp on 30s"`, `call = "nas dance"`, `48: trigger[1].call: want a call that nas understands, got unknown verb "dance": nas, a machine, knows status, on, off, force-off, reset, reboot`, ``},
	{`call = "lamp on 30s"`, `call = "ups ask time"`, `48: trigger[1].call: want a call that ups understands, got ask "time": ups has no such exchange, want ask status, ask beep`, ``},
	{`call = "lamp on 30s"`, `call = "rack cycle 59s"`, `48: trigger[1].call: want a call that rack understands, got cycle of rack "59s" is too long: want 1ms to 58s, such as 500ms, 10s or 5m (longest of lamp, less the delays before it)`, ``},
	{`call = "lamp on 30s"`, ``, `45: trigger[1].call: want text in quotes, got nothing`, ``},
	{`offline = "10m"`, ``, `49: trigger[2].input: want input or offline, got neither`, ``},
	{`tries = 3`, "tries = 3\nto = \"7602c7e0\"", `53: trigger[2].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "7602c7e0"`, ``},
	{`tries = 3`, "tries = 3\nto = \"7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b\"", `53: trigger[2].to: want "self": without the service no other container can be called, got "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"`, ``},
	{`tries = 3`, "tries = 3\nto = 5", `53: trigger[2].to: want text in quotes, got 5`, ``},
	{`call = "lamp on 30s"`, "call = \"lamp\"\nto = \"7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b\"", `48: trigger[1].call: want a call as a button would say it, got command "lamp" has no verb: want TARGET VERB, such as "router cycle 10s"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"lamp\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "lamp"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"Self\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "Self"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4bb\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4bb"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4g\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4g"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"7602c7e0a5b1c-4c3a-9d55-0a4f1e2d3c4b\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "7602c7e0a5b1c-4c3a-9d55-0a4f1e2d3c4b"`, ``},
	{`edge = "off"`, "edge = \"off\"\nto = \"{602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4}\"", `48: trigger[1].to: want "self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", got "{602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4}"`, ``},
	{`tries = 3`, `tries = 0`, `52: trigger[2].tries: want a whole number from 1 to 100, got 0`, ``},
}

func TestWrongWholes(t *testing.T) {
	valid := example(t, "wholes.toml")
	for _, m := range wrongs {
		if strings.Count(valid, m.old) < 1 {
			t.Fatalf("%q is not in the valid file", m.old)
		}
		c, got := told(strings.Replace(valid, m.old, m.new, 1))
		got = slices.DeleteFunc(got, func(f string) bool { // what follows from the one
			return strings.Contains(m.old, "offline") && strings.Contains(f, "it is for offline") ||
				m.old == `name = "rack"` && strings.Contains(f, `want the name of a target, got "rack"`)
		})
		if want := []string{"f.toml:" + m.fault}; !slices.Equal(got, want) {
			t.Errorf("%s → %s\n got %s\nwant %s", m.old, m.new, strings.Join(got, "\n     "), want[0])
		}
		if d := strings.Join(c.Dropped, " "); d != m.dropped {
			t.Errorf("%s → %s: dropped %q, want %q", m.old, m.new, d, m.dropped)
		}
		if triggers := strings.Contains(m.fault, ": trigger["); triggers != (len(c.Device.Triggers) == 1) && m.old != `name = "rack"` {
			t.Errorf("%s → %s: %d triggers served", m.old, m.new, len(c.Device.Triggers))
		}
		for _, g := range c.Device.Groups {
			for _, member := range g.Members {
				if !slices.ContainsFunc(c.Device.Outputs, func(o device.OutputSpec) bool { return o.Name == member }) {
					t.Errorf("%s → %s: %s is served without %s", m.old, m.new, g.Name, member)
				}
			}
		}
	}
}

// What another container understands only that one knows: any words will do.
func TestTriggerToAnotherContainer(t *testing.T) {
	valid := example(t, "wholes.toml")
	for to, want := range map[string]string{
		"self": "", "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b": "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b", "7602C7E0-5B1C-4C3A-9D55-0A4F1E2D3C4B": "7602C7E0-5B1C-4C3A-9D55-0A4F1E2D3C4B",
	} {
		for _, call := range []string{"siren dance 3", "agent reboot", "lamp toggle"} {
			c, faults := told(strings.Replace(valid, `call = "lamp on 30s"`, fmt.Sprintf("call = %q\nto = %q", call, to), 1))
			if self := want == ""; self != (len(faults) == 1) || self != (len(c.Device.Triggers) == 1) {
				t.Errorf("%s to %s: got %v and %d triggers", call, to, faults, len(c.Device.Triggers))
			} else if !self && (c.Device.Triggers[0].To != want || c.Device.Triggers[0].Call.String() != call || c.Device.Triggers[1].To != "") {
				t.Errorf("%s to %s: got %+v", call, to, c.Device.Triggers)
			}
		}
	}
}

// A group or machine without a fault of its own says which part it lacks.
func TestPartsOfWhatIsLeftOut(t *testing.T) {
	valid := example(t, "wholes.toml")
	c, _ := told(strings.Replace(valid, `contact = "nc"`, `contact = "both"`, 1))
	if want := map[string]string{"rack": "modem"}; !reflect.DeepEqual(c.Parts, want) {
		t.Errorf("got %v, want %v", c.Parts, want)
	}
	c, _ = told(strings.Replace(valid, `line = "GPIO5"`, `line = "5"`, 1))
	if want := map[string]string{"nas": "led"}; !reflect.DeepEqual(c.Parts, want) {
		t.Errorf("got %v, want %v", c.Parts, want)
	}
	c, _ = told(strings.Replace(valid, `delay = "2s"`, `delay = "x"`, 1))
	if len(c.Parts) != 0 || len(c.Device.Triggers) != 2 {
		t.Errorf("got parts %v, %d triggers; want none, and both triggers, whose calls are refused with the reason", c.Parts, len(c.Device.Triggers))
	}
}

func TestWholesWarnings(t *testing.T) {
	valid := example(t, "wholes.toml")
	for text, want := range map[string]string{
		strings.Replace(valid, `"modem", "lamp"`, `"modem", "btn"`, 1):                                                                              `f.toml:43: group "rack".members: want it without "btn", a button of machine "nas", got it, which presses the button`,
		strings.Replace(strings.Replace(valid, `delay = "2s"`, `delay = "2m"`, 1), `{"target":"rack","verb":"cycle","args":["10s"]}`, "rack on", 1): `f.toml:44: group "rack".delay: want a delay with which its members can cycle, got cycle of rack: lamp would be off for longer than its longest: shorten the delay of the group or raise longest`,
	} {
		c, faults := told(text)
		same(t, faults, nil)
		same(t, lined(c.Warnings), []string{want})
	}
}

// A syntax error hides what follows it: nothing that is named there is missing,
// and nothing is driven or asked.
func TestWholesBeforeASyntaxError(t *testing.T) {
	valid := example(t, "wholes.toml")
	i := strings.Index(valid, "[[machine]]")
	c, got := told(valid[i:] + "\n[offline]\nx = \n" + valid[:i])
	if len(got) != 1 || !strings.Contains(got[0], "syntax") {
		t.Errorf("got %v, want the syntax error alone", got)
	}
	if n := len(c.Device.Groups) + len(c.Device.Machines) + len(c.Device.Ports) + len(c.Device.Outputs); n > 0 || !c.PushOK {
		t.Errorf("%d targets served, push usable %v", n, c.PushOK)
	}
}

func TestPortWithALockoutThatCannotBeRead(t *testing.T) {
	for _, lockout := range []string{"lockout = 3\n", "[lockout]\nline = 5\n", "[[lockout]]\nline = 5\n"} {
		if c, _ := told(lockout + example(t, "wholes.toml")); len(c.Device.Ports) > 0 {
			t.Errorf("%q: the port is served", lockout)
		}
	}
}
