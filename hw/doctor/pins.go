package doctor

import (
	"strconv"
	"strings"
)

const (
	lastPulledUp = 8  // GPIO0 to 8 are pulled up at reset, the others down (BCM2835 ARM Peripherals, 6.2; RP1 shows the same)
	lastPin      = 27 // of the 40-pin header
)

// checkPins: between power-on and the agent's first move an output's level is
// what the pin's weak pull and config.txt make of it.
func (b *box) checkPins() {
	for _, o := range b.spec.Outputs {
		if pin := b.locate(o); pin >= 0 {
			b.module = pick(b.soc == "bcm2712", "pinctrl_rp1", "pinctrl_bcm2835")
			b.checkPull(o, pin)
			continue
		}
		b.say(unknown, o.About, "its level before the agent drives it: /sys does not show it as a pin of a Raspberry Pi")
	}
}

func (b *box) checkPull(o *Output, pin int) {
	pulled := pick(pin <= lastPulledUp, "up", "down")
	safe := &levels[0]
	if o.Safe != o.ActiveLow {
		safe = &levels[1]
	}
	verb, load := "close", o.Driven
	if o.Safe {
		verb, load = "drop", pick(load == "on", "off", "on")
	}
	set := b.preset(pin)
	if set.pull == "" && pulled != safe.pulled || set.pull != "" && set.pull != safe.pull {
		b.loose += "\n\tgpio=" + strconv.Itoa(pin) + "=p" + safe.pull
		b.whose += ", " + o.About
	}
	holds := pick(set.drive != "", set.drive, set.pull)
	severity, text := Bites, "GPIO%0 is pulled %1 from power-on until the agent drives it,{moves}{preset}{resistor}{other pin}"
	switch {
	case pin <= 1:
		text = "the firmware looks for a HAT's memory on GPIO%0, which moves it{moves}\n{move}"
	case pin == 14 && b.soc != "bcm2712":
		text = "GPIO14 is the UART's TXD, which moves{moves}\n{move}"
	case holds != "" && holds != safe.drive && holds != safe.pull:
		text = "{config.txt} does not leave GPIO%0 at its safe level,{moves}\ntake out of {config.txt}:\n\t%9{preset}"
	case pulled == safe.pulled:
		severity, text = OK, "GPIO%0 is pulled %1 from power-on, which is its safe level"
	case pin == 2 || pin == 3: // with 1.8 kOhm
		text = "GPIO%0 is pulled up by the board until the agent drives it,{moves}\n{move}"
	case holds != "":
		severity, text = Note, "GPIO%0 is pulled %1 for some seconds, until {config.txt} holds it at its safe level,{moves}{resistor}{other pin}"
	}
	b.say(severity, o.About, text, strconv.Itoa(pin), pulled, verb, load, safe.pulled, safe.pull, safe.drive, safe.rail, safe.free, set.line)
}

// levels are the ways to hold a pin low and high: how it is pulled, config.txt's
// letters for pull and drive, where a resistor goes to, and the pins that start
// like that and that nothing else uses.
var levels = [...]struct{ pulled, pull, drive, rail, free string }{
	{"down", "d", "l", "to ground", "GPIO9 to GPIO13 or GPIO16 to GPIO27"},
	{"up", "u", "h", "to 3.3 V", "GPIO4 to GPIO8"},
}

// checkRelease: what a Raspberry Pi's output does when nobody holds its line
// any more is a parameter of the pin driver. Raspberry Pi's kernels keep the
// level, upstream ones make the pin an input, which its pull then moves. The
// strict_gpiod of config.txt sets it, by the kernel's command line.
func (b *box) checkRelease() {
	const about = "GPIO outputs"
	if b.module == "" {
		return
	}
	file := "/sys/module/" + b.module + "/parameters/persist_gpio_outputs"
	keeps := b.text(file)
	asked := false
	for _, line := range b.boot {
		value, _ := strings.CutPrefix(line, "dtparam=")
		asked = asked || has(value, "strict_gpiod") || has(value, "strict_gpiod=on")
	}
	severity, text := OK, "a line that nobody holds follows its pull, to safe"
	switch {
	case keeps == "Y" && asked:
		severity, text = Note, "strict_gpiod counts after the next boot: till then a line that nobody holds keeps its level"
	case keeps == "Y":
		severity, text = Bites, "a line that nobody holds keeps its level: without the agent, a relay that is on stays on{boot}"+b.loose+"\n\tdtparam=strict_gpiod"
	case keeps != "N":
		b.cannot(about, "whether a line that nobody holds keeps its level", file)
		return
	case b.loose != "":
		severity, text = Bites, "a line that nobody holds follows its pull, away from safe: %0{boot}"+b.loose
	}
	b.say(severity, about, text, strings.TrimPrefix(b.whose, ", "))
}
