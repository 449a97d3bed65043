package doctor

import (
	"strconv"
	"strings"
)

// box is the machine as far as its tree shows it, and what was found of it.
type box struct {
	tree
	spec     *Spec
	model    string // "" = not known
	soc      string // of a Raspberry Pi: bcm2835, bcm2836, bcm2837, bcm2711, bcm2712
	init     string // name of process 1
	bootFile string // a Raspberry Pi's config.txt
	boot     texts  // its settings in force, in their order
	chips    texts  // GPIO chips: the label and the lines' names, each after a NUL
	usb      []*usbDevice
	rules    texts     // of udev, each with its file's name and a NUL in front
	unit     *settings // the agent's
	systemd  bool      // process 1 is systemd, or nobody can tell
	found    []Finding

	module       string // of the kernel that drives the header's pins
	loose, whose string // outputs whose pull is not the safe level: settings that mend it, and their names
}

func (b *box) identify() {
	const node, dmi = "/sys/firmware/devicetree/base/", "/sys/class/dmi/id/"
	b.model = b.text(node + "model")
	for _, c := range split(b.text(node+"compatible"), "\x00") {
		if strings.HasPrefix(c, "brcm,bcm283") || strings.HasPrefix(c, "brcm,bcm271") {
			b.soc = c[len("brcm,"):]
			b.readBoot()
		}
	}
	if b.model == "" {
		b.model = strings.TrimSpace(b.text(dmi+"sys_vendor") + " " + b.text(dmi+"product_name"))
	}
	b.init = b.text("/proc/1/comm")
	b.systemd = b.init == "systemd" || b.init == ""
	b.findChips()
	b.findUSB()
	b.readRules()
	b.unit = b.load(agentUnit)
}

// readBoot collects config.txt's settings whose [filters] let them through (its
// documentation, conditional filters). Filters that do not name this model are
// taken as not met. Since Raspberry Pi OS 12 the file is below /boot/firmware.
func (b *box) readBoot() {
	b.bootFile = "/boot/firmware/config.txt"
	if b.real(b.bootFile) == "" && b.real("/boot/config.txt") != "" {
		b.bootFile = "/boot/config.txt"
	}
	if b.text(b.bootFile) == "" {
		b.cannot("config.txt", "what the firmware is told", b.bootFile)
	}
	met := true
	for _, line := range b.lines(b.bootFile) {
		switch {
		case line[0] == '[':
			met = line == "[all]" || strings.Contains("[pi4]bcm2711 [pi5]bcm2712", line+b.soc) ||
				strings.Contains(b.model, " Pi "+strings.Trim(line, "[pi]")+" ")
		case met && strings.HasPrefix(line, "include "):
			b.say(unknown, "config.txt", "what else the firmware is told: {config.txt} has: %0", line)
		case met:
			b.boot.add(line)
		}
	}
}

// preset is what config.txt does to a pin at boot: the last line of it; h or l,
// the level that it is driven to, "" = it is not; u, d or n, its pull, "" = left
// as it is.
type preset struct{ line, drive, pull string }

// preset collects gpio=PINS=ATTRIBUTES, later ones over earlier ones.
func (b *box) preset(pin int) (p preset) {
	output := false
	for _, line := range b.boot {
		f := strings.Split(line, "=")
		if len(f) != 3 || f[0] != "gpio" || !inPins(f[1], pin) {
			continue
		}
		p.line = line
		for _, a := range split(f[2], ",") {
			switch {
			case a == "dh" || a == "dl":
				p.drive = a[1:]
			case strings.HasPrefix(a, "p") || a == "np":
				p.pull = strings.Trim(a, "p")
			default: // an output, an input, or another function
				output = a == "op"
			}
		}
	}
	if !output {
		p.drive = ""
	}
	return p
}

// inPins: "3", "3-4", "3-4,6,8".
func inPins(pins string, pin int) bool {
	for _, part := range split(pins, ",") {
		first, last, is := strings.Cut(part, "-")
		from, _ := strconv.Atoi(first)
		to, err := strconv.Atoi(pick(is, last, first))
		if err == nil && from <= pin && pin <= to {
			return true
		}
	}
	return false
}
