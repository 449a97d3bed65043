package field

import (
	"fmt"
	"strings"

	"longarm/lab/guest"
)

// Pi is the Raspberry Pi 3 of QEMU, whose GPIO controller can be read from outside: the
// kernel is not asked.
type Pi struct{ *guest.Guest }

// Registers of the BCM2837's GPIO controller (BCM2835 ARM Peripherals, section 6.1).
const (
	piGPIO     = 0x3f200000
	piFunction = piGPIO        // GPFSEL0: three bits a pin, ten pins a register; 1 is output
	piLevel    = piGPIO + 0x34 // GPLEV0: a bit a pin
)

// High is the level at a pin below 32.
func (p Pi) High(pin int) (bool, error) {
	v, err := p.peek(piLevel)
	return v>>pin&1 == 1, err
}

// Output reports whether the controller drives a pin.
func (p Pi) Output(pin int) (bool, error) {
	v, err := p.peek(piFunction + pin/10*4)
	return v>>(pin%10*3)&7 == 1, err
}

func (p Pi) peek(address int) (v uint32, err error) {
	r, err := p.QMP("human-monitor-command", map[string]any{"command-line": fmt.Sprintf("xp /1wx 0x%x", address)})
	if err != nil {
		return 0, err
	}
	_, text, _ := strings.Cut(string(r), ": 0x") // "000000003f200034: 0x00020000\r\n"
	if _, err := fmt.Sscanf(text, "%x", &v); err != nil {
		return 0, fmt.Errorf("register 0x%x: %s: %w", address, r, err)
	}
	return v, nil
}
