package doctor

import (
	"path/filepath"
	"strings"
)

// port is a serial port of the config as the tree shows it.
type port struct {
	_ [0]func() // as in Finding

	about, tty string     // the device's name, such as ttyUSB0; "" = not there
	usb        *usbDevice // without vendor: it is not on USB
}

// usbDevice is one device on USB as /sys shows it; id is vendor:product. CH340
// and many clones give no serial number.
type usbDevice struct {
	_ [0]func() // as in Finding

	dir, vendor, product, id, serial string
}

const (
	byPath = "/dev/serial/by-path/"
	byID   = "/dev/serial/by-id/"
	ttyDir = "/sys/class/tty/"
)

func (b *box) findUSB() {
	const dir = "/sys/bus/usb/devices/"
	for _, name := range b.list(dir) {
		u := &usbDevice{dir: b.real(dir+name) + "/"}
		u.vendor, u.product, u.serial = b.text(u.dir+"idVendor"), b.text(u.dir+"idProduct"), b.text(u.dir+"serial")
		u.id = u.vendor + ":" + u.product
		if u.vendor != "" {
			b.usb = append(b.usb, u)
		}
	}
}

// checkPorts looks at each port once, whoever shares it.
func (b *box) checkPorts() {
	seen := "\n"
	for _, p := range b.spec.Ports {
		if strings.Contains(seen, "\n"+p.Path+"\n") {
			continue
		}
		seen += p.Path + "\n"
		at := b.openPort(p)
		if at.usb.vendor != "" {
			b.checkName(p, at)
			b.checkThieves(at)
		}
		if at.tty != "" {
			b.checkConsole(at)
			b.checkAllowed(at)
		} else {
			b.missing(p)
		}
	}
}

// openPort finds out what a path leads to; despite its name it opens nothing.
func (b *box) openPort(p *Port) *port {
	at := &port{about: p.About, usb: new(usbDevice)}
	path := b.real(p.Path)
	if path == "" {
		return at
	}
	at.tty = filepath.Base(path)
	for _, u := range b.usb { // a hub's dir is in front of what is plugged into it
		if strings.HasPrefix(b.real(ttyDir+at.tty+"/device"), u.dir) && len(u.dir) > len(at.usb.dir) {
			at.usb = u
		}
	}
	return at
}

// missing: nothing can be said of a port that is not there, but which ones are
// there, and whether brltty may have taken its adapter.
func (b *box) missing(p *Port) {
	for _, u := range b.usb {
		taken := b.brltty(u)
		for _, tty := range b.list(ttyDir) {
			if strings.HasPrefix(b.real(ttyDir+tty+"/device"), u.dir) {
				taken = ""
			}
		}
		if taken != "" {
			b.say(Bites, p.About, "%0 is not there, and brltty takes adapters such as the %1 that is plugged in"+unbrltty, p.Path, u.id, taken)
			return
		}
	}
	here := strings.Join(b.list(byPath), "\n\t"+byPath)
	b.say(unknown, p.About, "anything of its port: %0 is not there"+pick(here != "", "\nthese are, by their socket:\n\t"+byPath+"%1", ""), p.Path, here)
}

// checkName: the name of an adapter must mean the same one after each boot and
// after each time that it vanished.
func (b *box) checkName(p *Port, at *port) {
	twins := 0
	for _, u := range b.usb {
		if u.id == at.usb.id && u.serial == at.usb.serial {
			twins++
		}
	}
	// The name of the socket that it is plugged into. Newer udev makes two, of
	// which the shorter is known to every udev.
	best := ""
	for _, name := range b.list(byPath) {
		name = byPath + name
		if filepath.Base(b.real(name)) == at.tty && (best == "" || len(name) < len(best)) {
			best = name
		}
	}
	severity, text := OK, "its name means this adapter, or this socket, alone"
	plain := p.Path == "/dev/"+at.tty
	id := strings.HasPrefix(p.Path, byID)
	switch {
	case (plain || id) && best == "":
		severity, text = unknown, "which name always means this adapter: none in "+byPath+" leads to %0"
	case plain:
		severity, text = Bites, "%0 may be another adapter after a boot, or after this one was unplugged in use{port}"
	case id && twins > 1:
		severity, text = Bites, "its name means one of several %1 by chance: they give the same serial number, or none{port}"
	case !id && !strings.HasPrefix(p.Path, byPath):
		severity, text = unknown, "whether its name always means this adapter: this box's own rules make it"
	case id && at.usb.serial == "":
		severity, text = Note, "the adapter %1 gives no serial number: a second one would have the same name{port}"
	}
	b.say(severity, at.about, text, at.tty, at.usb.id, p.Key, best)
}

// checkConsole: the kernel's console and a login write to the port what the
// relay board takes for commands. A Raspberry Pi's firmware makes serial0 and
// serial1 of its cmdline.txt the device's own name.
func (b *box) checkConsole(p *port) {
	const inittab, running = "/etc/inittab", "/proc/cmdline"
	do, word := "", ""
	if has(b.text(ttyDir+"console/active"), p.tty) {
		do, word = "add to the kernel's command line", "console=tty1"
	}
	line, name := b.text(running), "console="+p.tty
	if w := where(line, name); w != "" {
		do, word = "take out of the kernel's command line (PC: /etc/default/grub)", w
		for _, alias := range []string{name, "console=serial0", "console=serial1"} {
			file := filepath.Dir(b.bootFile) + "/cmdline.txt"
			if w := where(b.text(file), alias); w != "" {
				do, word = "take out of "+file, w
			}
		}
	}
	login, how := "", "{root}systemctl mask --now %1"
	if unit := "serial-getty@" + p.tty + ".service"; b.runs(unit) {
		login = unit
	}
	for _, l := range b.lines(inittab) {
		if strings.Contains(l, "getty") && has(l, p.tty) {
			login, how = l, "\ntake out of "+inittab+":\n\t%1"
		}
	}
	if do != "" {
		b.say(Bites, p.about, "the kernel's messages go to %0, and what is there takes them for commands\n%1:\n\t%2", p.tty, do, word)
	}
	if login != "" {
		b.say(Bites, p.about, "a login runs on %0, reads what the port answers and writes to it"+how, p.tty, login)
	}
	if line == "" {
		b.cannot(p.about, "whether the kernel's console is on "+p.tty, running)
	} else if do+login == "" {
		b.say(OK, p.about, "no console and no login on %0", p.tty)
	}
}
