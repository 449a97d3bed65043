package doctor

import (
	"slices"
	"strconv"
	"strings"
)

// headers are the labels of the chips of a Raspberry Pi's header; their drivers
// make them of what the device tree calls them, such as brcm,bcm2711-gpio.
const headers = "pinctrl-bcm2835 pinctrl-bcm2711 pinctrl-rp1"

// findChips reads of each GPIO chip of the device tree the label, if it is one
// of a header, and its lines' names by offset.
func (b *box) findChips() {
	const dir = "/sys/bus/gpio/devices/"
	for _, name := range b.list(dir) {
		node := dir + name + "/of_node/"
		compatible, _, _ := strings.Cut(b.text(node+"compatible"), "-gpio")
		_, kind, _ := strings.Cut(compatible, ",")
		b.chips.add("pinctrl-" + kind + "\x00" + b.text(node+"gpio-line-names"))
	}
}

// locate finds a line of a Raspberry Pi's header without opening anything: its
// pin, -1 when it is elsewhere or cannot be found.
func (b *box) locate(o *Output) (pin int) {
	number, err := strconv.Atoi(o.Line)
	pin = -1
	for _, chip := range b.chips {
		names := split(chip, "\x00")
		n := slices.Index(names, o.Line) - 1
		if n < 0 && o.Chip != "" && err == nil {
			n = number
		}
		if n < 0 || o.Chip != "" && o.Chip != names[0] {
			continue
		}
		if !has(headers, names[0]) || n > lastPin {
			return -1 // elsewhere, or elsewhere as well
		}
		pin = n
	}
	return pin
}
