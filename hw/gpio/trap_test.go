package gpio

import (
	"errors"
	"strings"
	"testing"
)

// TestLineByLabelAndBusyByName: "GPIO by label/name; EBUSY explained with consumer
// name", of the traps of hardware.md, section 7 (docs/traps.md). The Raspberry
// Pi 5's header was chip 4 with one kernel and is chip 0 with the next.
func TestLineByLabelAndBusyByName(t *testing.T) {
	for _, chips := range [][]entry{
		{{"/dev/gpiochip0", "pinctrl-rp1", 2, []string{"", "GPIO17"}}, {"/dev/gpiochip10", "gpio-brcmstb", 2, []string{"", "PWR"}}},
		{{"/dev/gpiochip0", "gpio-brcmstb", 2, []string{"", "PWR"}}, {"/dev/gpiochip4", "pinctrl-rp1", 2, []string{"", "GPIO17"}}},
	} {
		for _, line := range []string{"GPIO17", "1"} {
			if c, offset, err := find(chips, "pinctrl-rp1", line); err != nil || c.label != "pinctrl-rp1" || offset != 1 {
				t.Errorf("line %s: got %d of %s, %v", line, offset, c.label, err)
			}
		}
		for _, chip := range []string{"0", "4", "gpiochip0", "gpiochip4"} {
			if c, _, err := find(chips, chip, "1"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "pinctrl-rp1") {
				t.Errorf("chip %s: got %s, %v; want the labels that there are", chip, c.label, err)
			}
		}
	}
	line := Info{Label: "pinctrl-rp1", Offset: 17, Name: "GPIO17"}.String()
	for owner, want := range map[string]string{
		"longarm:pump": `line 17 (GPIO17) of chip pinctrl-rp1 is in use by "longarm:pump"`,
		"":             "line 17 (GPIO17) of chip pinctrl-rp1 is in use by the kernel or an unnamed process",
	} {
		if err := error(&BusyError{Line: line, Owner: owner}); err.Error() != want || !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
