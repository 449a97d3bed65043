package doctor

import "testing"

// onPin moves the first output to another pin.
func onPin(line string, activeLow bool) func(*Spec) {
	return func(s *Spec) { s.Outputs[0].Line, s.Outputs[0].ActiveLow = line, activeLow }
}

// boot adds lines to config.txt, under [all].
func boot(lines string) files {
	return files{configTxt: "[all]\ndtparam=strict_gpiod\n" + lines + "\n"}
}

// TestBootPullsAndActiveLowGlitches: hardware.md section 2.1.
func TestBootPullsAndActiveLowGlitches(t *testing.T) {
	const pump = "output pump"
	examineSpoils(t, []spoil{
		{"active high on a pulled-down pin", nil, nil, OK, pump, "GPIO27 is pulled down from power-on, which is its safe level", "-"},
		{"active low on a pulled-up pin", nil, nil, OK, "output router", "GPIO5 is pulled up", "-"},
		{"active low on a pulled-down pin", nil, onPin("GPIO17", true), Bites, pump, "GPIO17 is pulled down from power-on until the agent drives it, at every boot: its relay may close (load on)",
			"add to /boot/firmware/config.txt under [all]:\n\tgpio=17=pu\n\tgpio=17=op,dh\nfit, for the seconds before config.txt acts:\n\t10 kOhm from GPIO17 to 3.3 V\nor move it to a pin that is pulled up:\n\tGPIO4 to GPIO8"},
		{"active high on a pulled-up pin", nil, onPin("GPIO8", false), Bites, pump, "GPIO8 is pulled up", "gpio=8=pd\n\tgpio=8=op,dl"},
		{"by offset", nil, onPin("9", true), Bites, pump, "GPIO9 is pulled down", "gpio=9=pu"},
		{"safe while driven", nil, func(s *Spec) { s.Outputs[0].Safe = true }, Bites, pump, "GPIO27 is pulled down from power-on until the agent drives it, at every boot: its relay may drop (load off)", "gpio=27=op,dh"},
		{"a nc contact that is safe while driven", nil, func(s *Spec) { s.Outputs[0].Safe, s.Outputs[0].Driven = true, "off" }, Bites, pump, "its relay may drop (load on)", ""},
		{"1.8 kOhm on the board", nil, onPin("GPIO3", false), Bites, pump, "GPIO3 is pulled up by the board until the agent drives it", "move it to a pin that is pulled down"},
		{"a HAT's memory", nil, onPin("ID_SCL", true), Bites, pump, "the firmware looks for a HAT's memory on GPIO1", "move it to a pin that is pulled up"},
		{"the UART", nil, onPin("GPIO14", false), Bites, pump, "GPIO14 is the UART's TXD", "move it to a pin that is pulled down"},
		{"the UART's pin is free on a Raspberry Pi 5", pi5, func(s *Spec) { s.Outputs[0].Line, s.Outputs[0].Chip = "GPIO14", "pinctrl-rp1" }, OK, pump, "GPIO14 is pulled down", "-"},
		{"config.txt drives it the wrong way", boot("gpio=27=op,dh"), nil, Bites, pump, "/boot/firmware/config.txt does not leave GPIO27 at its safe level",
			"take out of /boot/firmware/config.txt:\n\tgpio=27=op,dh\nadd to /boot/firmware/config.txt under [all]:\n\tgpio=27=pd\n\tgpio=27=op,dl"},
		{"config.txt pulls it the wrong way", boot("gpio=20-25,27=ip,pu"), nil, Bites, pump, "does not leave GPIO27", "\tgpio=20-25,27=ip,pu\n"},
		{"config.txt lets it float", boot("gpio=27=np"), nil, Bites, pump, "does not leave GPIO27", ""},
		{"the last line of config.txt counts", boot("gpio=27=op,dh\ngpio=26-27=dl"), nil, OK, pump, "GPIO27 is pulled down", "-"},
		{"config.txt holds it", boot("gpio=17=op,dh"), onPin("GPIO17", true), Note, pump, "GPIO17 is pulled down for some seconds, until /boot/firmware/config.txt holds it", "10 kOhm from GPIO17 to 3.3 V"},
		{"config.txt pulls it", boot("gpio=17=pu"), onPin("GPIO17", true), Note, pump, "for some seconds", "10 kOhm"},
		{"in the middle of a range", boot("gpio=3,16-20=op,dh"), onPin("GPIO17", true), Note, pump, "for some seconds", ""},
		{"a level alone drives nothing", boot("gpio=17=dh"), onPin("GPIO17", true), Bites, pump, "GPIO17 is pulled down from power-on until", ""},
		{"other pins of config.txt are other pins", boot("gpio=1,2,70-80=op,dh\n#gpio=17=op,dh\ngpio=17\ngpio=a-b=op,dh"), onPin("GPIO17", true), Bites, pump, "GPIO17 is pulled down from power-on until", ""},
		{"another model's section", boot("[pi3]\ngpio=17=op,dh\n[cm4]\ngpio=17=op,dh\n[0x12345678]\ngpio=17=op,dh"), onPin("GPIO17", true), Bites, pump, "GPIO17 is pulled down from power-on until", ""},
		{"this model's section", boot("[pi3]\n[pi4]\ngpio=17=op,dh"), onPin("GPIO17", true), Note, pump, "for some seconds", ""},
		{"back to all", boot("[none]\n[all]\ngpio=17=op,dh"), onPin("GPIO17", true), Note, pump, "for some seconds", ""},
		{"before Raspberry Pi OS 12", files{configTxt: "-> nowhere", "boot/config.txt": "gpio=27=op,dh"}, nil, Bites, pump, "/boot/config.txt does not leave GPIO27", "take out of /boot/config.txt"},
		{"no config.txt", files{configTxt: "-> nowhere", "boot/config.txt": "-> nowhere"}, nil, Note, "config.txt", "cannot tell: what the firmware is told: /boot/firmware/config.txt is not there", "-"},
		{"included settings", boot("include more.txt"), nil, Note, "config.txt", "cannot tell: what else the firmware is told: /boot/firmware/config.txt has: include more.txt", "-"},
		{"a pin that is not on the header", nil, onPin("RGMII_MDIO", false), Note, pump, "cannot tell: its level before the agent drives it", "-"},
		{"another chip", nil, func(s *Spec) { s.Outputs[0].Chip = "1-0020" }, Note, pump, "cannot tell: its level", "-"},
		{"a name that several lines have", files{"sys/bus/gpio/devices/gpiochip1/of_node/gpio-line-names": `GPIO27\0GPIO5\0`}, nil, Note, "output router", "cannot tell: its level", "-"},
		{"the chip's label tells them apart", files{"sys/bus/gpio/devices/gpiochip1/of_node/gpio-line-names": `GPIO27\0GPIO5\0`}, nil, OK, pump, "GPIO27 is pulled down", "-"},
	})
}

var pi5 = files{
	"sys/firmware/devicetree/base/model":                        `Raspberry Pi 5 Model B Rev 1.0\0`,
	"sys/firmware/devicetree/base/compatible":                   `raspberrypi,5-model-b\0brcm,bcm2712\0`,
	"sys/firmware/devicetree/base/soc/gpio@7e200000/compatible": `raspberrypi,rp1-gpio\0`,
	"sys/module/pinctrl_rp1/parameters/persist_gpio_outputs":    "Y\n",
}

// TestStrictMode: hardware.md section 2.2; "strict_gpiod reported" of section 7.
func TestStrictMode(t *testing.T) {
	const about = "GPIO outputs"
	rp1Pin := func(s *Spec) { s.Outputs[0].Chip = "pinctrl-rp1" }
	examineSpoils(t, []spoil{
		{"strict", nil, nil, OK, about, "a line that nobody holds follows its pull, to safe", "-"},
		{"persistent", files{persist: "Y\n", configTxt: "dtparam=audio=on\n"}, nil, Bites, about, "a line that nobody holds keeps its level: without", "add to /boot/firmware/config.txt under [all]:\n\tdtparam=strict_gpiod"},
		{"persistent, and a pull that is not safe", files{persist: "Y\n", configTxt: "#\nx=y\n"}, onPin("GPIO17", true), Bites, about, "keeps its level", "\n\tgpio=17=pu\n\tdtparam=strict_gpiod"},
		{"asked for, not booted yet", files{persist: "Y\n"}, nil, Note, about, "strict_gpiod counts after the next boot", "-"},
		{"asked for among others", files{persist: "Y\n", configTxt: "dtparam=audio=on,strict_gpiod=on\n"}, nil, Note, about, "strict_gpiod counts after the next boot", "-"},
		{"strict, and a pull that is not safe", nil, onPin("GPIO17", true), Bites, about, "a line that nobody holds follows its pull, away from safe: output pump", "under [all]:\n\tgpio=17=pu"},
		{"strict, and a pull that config.txt spoils", boot("gpio=27=pu"), nil, Bites, about, "away from safe: output pump", "gpio=27=pd"},
		{"strict, and a pull that config.txt mends", boot("gpio=17=pu"), onPin("GPIO17", true), OK, about, "to safe", "-"},
		{"a kernel without the parameter", files{persist: "-> nowhere"}, nil, Note, about, "cannot tell: whether a line that nobody holds keeps its level: /" + persist + " is not there", "-"},
		{"RP1 has a parameter of its own", pi5, rp1Pin, Note, about, "strict_gpiod counts after the next boot", "-"},
	})
}

// TestPowerFailPolarity: "power-fail polarity set per HAT" of section 7.
func TestPowerFailPolarity(t *testing.T) {
	examineSpoils(t, []spoil{
		{"high", nil, func(s *Spec) { s.PowerFail = "high" }, Note, "power_fail", "the config takes high for power lost", "-"},
		{"low", nil, func(s *Spec) { s.PowerFail = "low" }, Note, "power_fail", "the config takes low for power lost", "-"},
	})
}
