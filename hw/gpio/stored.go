package gpio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// take adopts the stored request descriptor if it is this line's. The kernel is asked, not
// the name alone: it must answer a level, fdinfo must name our chip and offset (kernels
// that tell it), and the line must be a used output. A changed polarity is set in place:
// the level at the pin stays, so there is no edge and the line is never let go.
func (out *Output) take(o OutputOptions) error {
	if err := out.verify(o.Stored); err != nil {
		return fmt.Errorf("stored descriptor %q: %w", o.Stored.Name(), err)
	}
	level, err := get(o.Stored)
	if err != nil {
		return fmt.Errorf("stored descriptor %q is not a line request: %w", o.Stored.Name(), gone(err))
	}
	switch {
	case out.info.ActiveLow != o.ActiveLow && o.Keep:
		err = configure(o.Stored, outputConfig(o.ActiveLow, !level))
	case out.info.ActiveLow != o.ActiveLow:
		err = configure(o.Stored, outputConfig(o.ActiveLow, o.Fresh))
	case !o.Keep && level != o.Fresh:
		err = set(o.Stored, o.Fresh)
	}
	if err != nil {
		return fmt.Errorf("take stored descriptor %q: %w", o.Stored.Name(), gone(err))
	}
	out.f, out.adopted = o.Stored, o.Keep
	return nil
}

func (out *Output) verify(f *os.File) error {
	if f.Name() != out.info.StoreName() {
		return fmt.Errorf("is not %s by its name", out.info)
	}
	if !out.info.Used || out.info.Direction != "output" {
		return fmt.Errorf("the kernel says that %s is not a driven output", out.info)
	}
	chip, offset, err := fdinfo(f)
	switch {
	case errors.Is(err, errNoLine):
		return err
	case err != nil:
		return nil // an older kernel, or no /proc: the name and the level must do
	case chip != filepath.Base(out.info.Chip) || offset != out.info.Offset:
		return fmt.Errorf("belongs to line %d of %s, not to %s", offset, chip, out.info)
	}
	return nil
}

var (
	errNoLine   = errors.New("not a GPIO line request")
	errNotTold  = errors.New("kernel does not tell the line")
	errManyLine = fmt.Errorf("%w of one line", errNoLine)
)

const gpioLink = "anon_inode:gpio-line"

// fdinfo asks which chip and line a request descriptor holds (gpio-chip and gpio-line in
// /proc/self/fdinfo, drivers/gpio/gpiolib-cdev.c, Linux 6.0).
func fdinfo(f *os.File) (chip string, offset int, err error) {
	var link, text string
	err = on(f, func(fd uintptr) error {
		n := strconv.Itoa(int(fd))
		var err error
		if link, err = os.Readlink("/proc/self/fd/" + n); err != nil {
			return errNotTold
		}
		b, err := os.ReadFile("/proc/self/fdinfo/" + n)
		text = string(b)
		return err
	})
	if err != nil {
		return "", 0, err
	}
	if link != gpioLink {
		return "", 0, errNoLine
	}
	return parseFdinfo(text)
}

func parseFdinfo(text string) (chip string, offset int, err error) {
	lines := 0
	for l := range strings.Lines(text) {
		key, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "gpio-chip":
			chip = value
		case "gpio-line":
			lines++
			if offset, err = strconv.Atoi(value); err != nil {
				return "", 0, errNotTold
			}
		}
	}
	switch {
	case chip == "" || lines == 0:
		return "", 0, errNotTold
	case lines > 1:
		return "", 0, errManyLine
	}
	return chip, offset, nil
}
