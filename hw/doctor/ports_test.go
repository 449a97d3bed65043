package doctor

import (
	"maps"
	"testing"
)

// onPort gives the second port another path.
func onPort(path string) func(*Spec) { return func(s *Spec) { s.Ports[1].Path = path } }

// TestNamesThatStay: hardware.md section 5.5; "by-path for CH340" of section 7.
func TestNamesThatStay(t *testing.T) {
	const ups = "port ups"
	twin := files{usb + "1-1.3/idVendor": "0403\n", usb + "1-1.3/idProduct": "6001\n", usb + "1-1.3/serial": "A9014HUX\n"}
	examineSpoils(t, []spoil{
		{"by socket", nil, nil, OK, "board usb1", "its name means this adapter, or this socket, alone", "-"},
		{"by a serial number of its own", nil, nil, OK, ups, "its name means this adapter", "-"},
		{"by number", nil, onPort("/dev/ttyUSB1"), Bites, ups, "ttyUSB1 may be another adapter after a boot", "write in longarm.toml:\n\tdevice = \"" + upsSocket + "\""},
		{"two with one serial number", twin, nil, Bites, ups, "its name means one of several 0403:6001 by chance", upsSocket},
		{"two of a kind, each with its number", files{usb + "1-1.3/idVendor": "0403\n", usb + "1-1.3/idProduct": "6001\n", usb + "1-1.3/serial": "A9014HUY\n"}, nil, OK, ups, "its name means this adapter", "-"},
		{"no serial number", files{usb + "1-1.4/serial": "-> nowhere"}, nil, Note, ups, "the adapter 0403:6001 gives no serial number", upsSocket},
		{"two without serial number", nil, func(s *Spec) { s.Ports[1].Path = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0" }, Note, ups, "the adapter 1a86:7523 gives no serial number", relays},
		{"a link of this box's own", files{"dev/ups": "-> ttyUSB1"}, onPort("/dev/ups"), Note, ups, "cannot tell: whether its name always means this adapter", "-"},
		{"no name by socket", files{upsSocket[1:]: "-> nowhere"}, onPort("/dev/ttyUSB1"), Note, ups, "cannot tell: which name always means this adapter: none in /dev/serial/by-path/ leads to ttyUSB1", "-"},
		{"two names by socket", files{"dev/serial/by-path/a": "-> ../../ttyUSB1"}, onPort("/dev/ttyUSB1"), Bites, ups, "ttyUSB1", `"/dev/serial/by-path/a"`},
		{"not there", nil, onPort("/dev/ttyUSB7"), Note, ups, "cannot tell: anything of its port: /dev/ttyUSB7 is not there", "these are, by their socket:\n\t" + relays + "\n\t" + upsSocket},
		{"nothing is there", files{"dev/serial/by-path": ""}, onPort("/dev/ttyUSB7"), Note, ups, "cannot tell: anything of its port", "-"},
	})
}

// TestConsoleAndLogin: "serial console" and getty of section 5.5.
func TestConsoleAndLogin(t *testing.T) {
	const ups = "port ups"
	wants := "run/systemd/generator/getty.target.wants/serial-getty@ttyS0.service"
	getty := files{wants: "-> /usr/lib/systemd/system/serial-getty@.service", "usr/lib/systemd/system/serial-getty@.service": "[Service]\n"}
	masked := files{"etc/systemd/system/serial-getty@ttyS0.service": "-> /dev/null"}
	maps.Copy(masked, getty)
	onUART := onPort("/dev/serial0")
	examineSpoils(t, []spoil{
		{"none", nil, onUART, OK, ups, "no console and no login on ttyS0", "-"},
		{"console, serial0 in cmdline.txt", files{"proc/cmdline": "console=ttyS0,115200 console=tty1 quiet\n", "boot/firmware/cmdline.txt": "console=serial0,115200 console=tty1 quiet\n"}, onUART,
			Bites, ups, "the kernel's messages go to ttyS0", "take out of /boot/firmware/cmdline.txt:\n\tconsole=serial0,115200"},
		{"console, by its own name in cmdline.txt", files{"proc/cmdline": "console=ttyS0\n", "boot/firmware/cmdline.txt": "quiet console=ttyS0\n"}, onUART, Bites, ups, "the kernel's messages go to ttyS0", "cmdline.txt:\n\tconsole=ttyS0"},
		{"console, from elsewhere", files{"proc/cmdline": "console=ttyS0,115200\n"}, onUART, Bites, ups, "the kernel's messages go to ttyS0", "take out of the kernel's command line (PC: /etc/default/grub):\n\tconsole=ttyS0,115200"},
		{"console that the device tree chose", files{"sys/class/tty/console/active": "tty1 ttyS0\n"}, onUART, Bites, ups, "the kernel's messages go to ttyS0", "add to the kernel's command line:\n\tconsole=tty1"},
		{"console on another port", files{"proc/cmdline": "console=ttyS01 console=ttyAMA0\n", "sys/class/tty/console/active": "ttyAMA0\n"}, onUART, OK, ups, "no console", "-"},
		{"login", getty, onUART, Bites, ups, "a login runs on ttyS0", "run as root:\n\tsystemctl mask --now serial-getty@ttyS0.service"},
		{"login, masked", masked, onUART, OK, ups, "no console and no login", "-"},
		{"login whose unit is gone", files{wants: "-> /usr/lib/systemd/system/serial-getty@.service"}, onUART, OK, ups, "no console and no login", "-"},
		{"login of BusyBox", files{"etc/inittab": "#ttyS0::respawn:/sbin/getty -L ttyS0 9600 vt100\nttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100\n"}, onUART,
			Bites, ups, "a login runs on ttyS0", "take out of /etc/inittab:\n\tttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100"},
		{"no command line", files{"proc/cmdline": "-> nowhere"}, onUART, Note, ups, "cannot tell: whether the kernel's console is on ttyS0: /proc/cmdline is not there", "-"},
	})
}

// TestThieves: "brltty check in doctor" and "MM ignore" of section 7.
func TestThieves(t *testing.T) {
	const board = "board usb1"
	const ours = `ENV{PRODUCT}=="1a86/7523/*", GOTO="brltty_usb_run"` + "\n"
	manager := func(exec, more string) files {
		return files{
			"usr/lib/systemd/system/ModemManager.service":                     "[Service]\nExecStart=/usr/sbin/ModemManager" + exec + "\n",
			"etc/systemd/system/multi-user.target.wants/ModemManager.service": "-> /usr/lib/systemd/system/ModemManager.service",
			rulesD + "77-mm.rules":                                            more,
		}
	}
	cdc := func(f files) files { // the board is a CDC one
		dir := usb + "1-1.5/1-1.5:1.0/tty/ttyACM0"
		f["dev/ttyACM0"] = ""
		f[relays[1:]] = "-> ../../ttyACM0"
		f["sys/class/tty/ttyACM0"] = "-> ../../" + dir[len("sys/"):]
		f[dir+"/dev"], f[dir+"/device"] = "166:0\n", "-> ../../../1-1.5:1.0"
		f["sys/bus/usb/devices/1-1.5"] = "-> ../../../" + usb[len("sys/"):] + "1-1.5"
		f[usb+"1-1.5/idVendor"], f[usb+"1-1.5/idProduct"] = "2a19\n", "0c05\n"
		return f
	}
	ignore := `ATTRS{idVendor}=="2a19", ATTRS{idProduct}=="0c05", ENV{ID_MM_DEVICE_IGNORE}="1"`
	disabled := manager("", "")
	delete(disabled, "etc/systemd/system/multi-user.target.wants/ModemManager.service")
	hidden := manager("", "")
	hidden["etc/systemd/system/ModemManager.service"] = "-> /dev/null"
	const ok, sends, may = "neither ModemManager nor brltty takes ttyUSB0", "ModemManager sends AT commands to ttyACM0 each time", "ModemManager sends AT commands to ttyUSB0 too, unless"
	examineSpoils(t, []spoil{
		{"none", nil, nil, OK, board, ok, "-"},
		{"brltty", files{rulesD + "85-brltty.rules": ours}, nil, Bites, board, "brltty takes an adapter 1a86:7523 for a braille display, and ttyUSB0 vanishes", "ln -s /dev/null /etc/udev/rules.d/85-brltty.rules"},
		{"brltty, by attributes", files{rulesD + "90-brltty-device.rules": `ATTR{idVendor}=="1a86", \` + "\n" + `  ATTR{idProduct}=="7523", GOTO="x"`}, nil, Bites, board, "brltty takes an adapter 1a86:7523", "90-brltty-device.rules"},
		{"brltty with a zero in front", files{rulesD + "85-brltty.rules": `ENV{PRODUCT}=="403/6001/*", GOTO="x"`}, nil, Bites, "port ups", "brltty takes an adapter 0403:6001", ""},
		{"brltty, masked", files{rulesD + "85-brltty.rules": ours, "etc/udev/rules.d/85-brltty.rules": "-> /dev/null"}, nil, OK, board, ok, "-"},
		{"brltty, replaced", files{rulesD + "85-brltty.rules": ours, "etc/udev/rules.d/85-brltty.rules": "# nothing"}, nil, OK, board, ok, "-"},
		{"brltty, commented out", files{rulesD + "85-brltty.rules": "#" + ours}, nil, OK, board, ok, "-"},
		{"brltty, one maker's", files{rulesD + "85-brltty.rules": `ENV{PRODUCT}=="1a86/7523/*", ATTRS{manufacturer}=="Maker", GOTO="x"`}, nil, OK, board, ok, "-"},
		{"brltty, other adapters", files{rulesD + "85-brltty.rules": `ENV{PRODUCT}=="1a86/7524/*", GOTO="x"` + "\n" + `ATTR{idVendor}=="1a86", ATTR{idProduct}=="5523"`}, nil, OK, board, ok, "-"},
		{"another package's rule", files{rulesD + "85-other.rules": ours}, nil, OK, board, ok, "-"},
		{"brltty took it", files{rulesD + "85-brltty.rules": ours, "sys/class/tty/ttyUSB0": "-> nowhere", "dev/ttyUSB0": "-> nowhere"}, nil, Bites, board,
			relays + " is not there, and brltty takes adapters such as the 1a86:7523", "ln -s /dev/null /etc/udev/rules.d/85-brltty.rules"},
		{"brltty took no other", files{rulesD + "85-brltty.rules": ours}, onPort("/dev/ttyUSB7"), Note, "port ups", "cannot tell: anything of its port", ""},
		{"ModemManager and CDC", cdc(manager(" --filter-policy=strict", "")), nil, Bites, board, sends, "add to /etc/udev/rules.d/60-longarm.rules:\n\t" + ignore},
		{"ModemManager and CDC, with the rule", cdc(manager("", ignore)), nil, OK, board, "takes ttyACM0", "-"},
		{"ModemManager and CDC, another's rule", cdc(manager("", `ATTRS{idVendor}=="1234", ENV{ID_MM_DEVICE_IGNORE}="1"`)), nil, Bites, board, sends, ""},
		{"ModemManager and CDC, a rule for all", cdc(manager("", `SUBSYSTEM=="tty", ENV{ID_MM_PORT_IGNORE}="1"`)), nil, OK, board, "takes ttyACM0", "-"},
		{"ModemManager on its list only", cdc(manager(" --filter-policy=ALLOWLIST-ONLY --debug", "")), nil, OK, board, "takes ttyACM0", "-"},
		{"ModemManager, STRICT, plain adapter", manager(" --filter-policy=strict", ""), nil, OK, board, ok, "-"},
		{"ModemManager, DEFAULT, plain adapter", manager(" --filter-policy=default", ""), nil, Bites, board, "ModemManager sends AT commands to ttyUSB0 each time", ""},
		{"ModemManager of unknown policy, plain adapter", manager("", ""), nil, Note, board, may, `ATTRS{idVendor}=="1a86"`},
		{"ModemManager, not enabled", disabled, nil, OK, board, ok, "-"},
		{"ModemManager, masked", hidden, nil, OK, board, ok, "-"},
	})
}

// TestSharedPortIsLookedAtOnce: several boards may be on one RS-485 port.
func TestSharedPortIsLookedAtOnce(t *testing.T) {
	b := &box{spec: &Spec{Ports: []*Port{{About: "board a", Path: "/x"}, {About: "board b", Path: "/x"}}}, tree: tree{t.TempDir()}}
	b.checkPorts()
	if len(b.found) != 1 || b.found[0].About != "board a" {
		t.Errorf("found %v, want one finding about board a", b.found)
	}
}
