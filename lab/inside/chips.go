package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longarm/lab/wire"
)

// linesFile tells the server where the lines are: name or "LABEL:OFFSET" → folder in sysfs.
const linesFile = runFolder + "lines.json"

// unbindSoC takes the board's own GPIO controller away, so that the first simulated chip is
// /dev/gpiochip0, as on a Raspberry Pi.
func unbindSoC() {
	// The virt board's power button holds one of its lines where its driver is built in.
	_ = put("/sys/bus/platform/drivers/gpio-keys/unbind", "gpio-keys") // not there on arm64
	const driver = "/sys/bus/amba/drivers/pl061_gpio/"
	devices, _ := filepath.Glob(driver + "*.pl061") // the pattern is right
	for _, d := range devices {
		if err := put(driver+"unbind", filepath.Base(d)); err != nil {
			logf("unbind %s: %v", d, err)
		}
	}
}

func makeChips(chips []wire.Chip) error {
	lines := map[string]string{}
	for _, c := range chips {
		if err := makeChip(c, lines); err != nil {
			return fmt.Errorf("gpio-sim chip %s: %w", c.Name, err)
		}
	}
	b, err := json.Marshal(lines)
	if err != nil {
		return err
	}
	return os.WriteFile(linesFile, b, 0o644)
}

// makeChip makes one by configfs and notes its lines.
func makeChip(c wire.Chip, lines map[string]string) error {
	device := "/sys/kernel/config/gpio-sim/" + c.Name
	bank := device + "/bank0"
	if err := describe(c, bank); err != nil {
		return err
	}
	if err := put(device+"/live", "1"); err != nil {
		return err
	}
	dev, err := look(device + "/dev_name")
	if err != nil {
		return err
	}
	name, err := look(bank + "/chip_name")
	if err != nil {
		return err
	}
	for offset := range c.Lines {
		dir := fmt.Sprintf("/sys/devices/platform/%s/%s/sim_gpio%d", dev, name, offset)
		lines[fmt.Sprintf("%s:%d", name, offset)] = dir
		lines[fmt.Sprintf("%s:%d", c.Label, offset)] = dir
		if n := c.Names[offset]; n != "" {
			lines[n] = dir
		}
	}
	// The simulator has no pull in its configuration, but nobody looks yet.
	for offset, v := range c.Pulls {
		if err := pull(lines[fmt.Sprintf("%s:%d", name, offset)], v); err != nil {
			return err
		}
	}
	return nil
}

// describe writes what a chip is to be before it lives.
func describe(c wire.Chip, bank string) error {
	if err := os.MkdirAll(bank, 0o755); err != nil {
		return err
	}
	if err := put(bank+"/num_lines", fmt.Sprint(c.Lines)); err != nil {
		return err
	}
	if c.Label != "" {
		if err := put(bank+"/label", c.Label); err != nil {
			return err
		}
	}
	for offset, name := range c.Names {
		line := fmt.Sprintf("%s/line%d", bank, offset)
		if err := os.Mkdir(line, 0o755); err != nil {
			return err
		}
		if err := put(line+"/name", name); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file of the kernel's in one go.
func put(path, text string) error { return os.WriteFile(path, []byte(text), 0) }

// look reads one.
func look(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}
