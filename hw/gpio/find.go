package gpio

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/warthog618/go-gpiocdev"
)

const devDir = "/dev"

// Info describes one line without requesting it.
type Info struct {
	Chip      string // path of the chip's device, symbolic links resolved
	Label     string // the chip's label, as the driver gave it
	Offset    int    // of the line within the chip, from 0
	Name      string // of the line; empty on boards that name none
	Direction string // "input" or "output"; of a free line as the kernel last knew, see OpenOutput
	ActiveLow bool   // as its present owner requested it
	Used      bool   // somebody, perhaps the kernel, holds it
	Consumer  string // who does; empty when it did not say
}

func (i Info) String() string {
	if i.Name == "" {
		return fmt.Sprintf("line %d of chip %s", i.Offset, i.Label)
	}
	return fmt.Sprintf("line %d (%s) of chip %s", i.Offset, i.Name, i.Label)
}

// StoreName is the name under which the line's request descriptor is kept in systemd's
// store (FDNAME= in sd_notify(3): printable ASCII without colon, at most 255 bytes). It
// names chip label, offset and line name; the polarity is not in it, the kernel tells that.
func (i Info) StoreName() string {
	return "gpio/" + escape(i.Label) + "/" + strconv.Itoa(i.Offset) + "/" + escape(i.Name)
}

// Describe finds a line and tells how it stands. chip is a label, or an absolute path
// (symbolic links are followed), or empty for a search over all chips; line is a line name
// or, with a chip, a decimal offset. Errors: ErrNotFound, ErrAmbiguous, ErrKernel.
func Describe(chip, line string) (Info, error) {
	chips, faults := scan(devDir)
	c, offset, err := find(chips, chip, line)
	if err != nil {
		return Info{}, errors.Join(err, faults)
	}
	return c.describe(offset)
}

// entry is one chip as scan saw it.
type entry struct {
	path, label string
	abi         int
	lines       []string // names by offset
}

// scan lists the chips below dev once each, whatever symbolic links point at them. A chip
// that cannot be opened is left out and told in the error.
func scan(dev string) (chips []entry, faults error) {
	paths, err := filepath.Glob(filepath.Join(dev, "gpiochip*"))
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, p := range paths {
		real, err := filepath.EvalSymlinks(p)
		if err != nil || slices.Contains(seen, real) {
			continue // a dangling link, or a second name of the same chip
		}
		seen = append(seen, real)
		c, err := look(real)
		if err != nil {
			faults = errors.Join(faults, fmt.Errorf("look at %s: %w", real, err))
			continue
		}
		chips = append(chips, c)
	}
	return chips, faults
}

func look(path string) (entry, error) {
	c, err := gpiocdev.NewChip(path)
	if err != nil {
		return entry{}, err
	}
	defer c.Close()
	e := entry{path: path, label: c.Label, abi: c.UapiAbiVersion(), lines: make([]string, c.Lines())}
	for o := range e.lines {
		li, err := c.LineInfo(o)
		if err != nil {
			return entry{}, fmt.Errorf("line %d: %w", o, err)
		}
		e.lines[o] = li.Name
	}
	return e, nil
}

// find picks the one line that chip and line mean.
func find(chips []entry, chip, line string) (entry, int, error) {
	if line == "" {
		return entry{}, 0, fmt.Errorf("find line: %w: the line's name is empty", ErrNotFound)
	}
	cand, err := pick(chips, chip)
	if err != nil {
		return entry{}, 0, err
	}
	type hit struct {
		chip   entry
		offset int
	}
	var hits []hit
	n, numErr := strconv.ParseUint(line, 10, 31)
	for _, c := range cand {
		for o, name := range c.lines {
			if name == line || (chip != "" && numErr == nil && uint64(o) == n) {
				hits = append(hits, hit{c, o})
			}
		}
	}
	switch {
	case len(hits) == 1 && hits[0].chip.abi != 2:
		return entry{}, 0, fmt.Errorf("chip %s: %w", hits[0].chip.label, ErrKernel)
	case len(hits) == 1:
		return hits[0].chip, hits[0].offset, nil
	case len(hits) > 1:
		var at []string
		for _, h := range hits {
			at = append(at, fmt.Sprintf("%d of %s (%s)", h.offset, h.chip.label, h.chip.path))
		}
		return entry{}, 0, fmt.Errorf("line %q is %w: %s", line, ErrAmbiguous, strings.Join(at, ", "))
	case chip == "" && numErr == nil:
		return entry{}, 0, fmt.Errorf("line %q: %w: an offset needs a chip label", line, ErrNotFound)
	case chip == "":
		return entry{}, 0, fmt.Errorf("line %q: %w on any chip", line, ErrNotFound)
	}
	return entry{}, 0, fmt.Errorf("line %q: %w on chip %s with %d lines", line, ErrNotFound, cand[0].label, len(cand[0].lines))
}

// pick is the chips that the word chip can mean.
func pick(chips []entry, chip string) ([]entry, error) {
	if chip == "" {
		return chips, nil
	}
	want := func(c entry) bool { return c.label == chip }
	if filepath.IsAbs(chip) {
		real, err := filepath.EvalSymlinks(chip)
		if err != nil {
			return nil, fmt.Errorf("chip: %w: %w", ErrNotFound, err)
		}
		want = func(c entry) bool { return c.path == real }
	}
	var cand []entry
	var labels []string
	for _, c := range chips {
		if want(c) {
			cand = append(cand, c)
		}
		labels = append(labels, strconv.Quote(c.label))
	}
	if len(cand) > 0 {
		return cand, nil
	}
	has := "this machine has no GPIO chip"
	if len(labels) > 0 {
		has = "chips here are " + strings.Join(labels, ", ")
	}
	if strings.HasPrefix(chip, "gpiochip") {
		has = "chip numbers change between kernels, want a label; " + has
	}
	return nil, fmt.Errorf("chip %q: %w; %s", chip, ErrNotFound, has)
}

// describe asks the kernel afresh: owner and direction may have changed since scan.
func (e entry) describe(offset int) (Info, error) {
	c, err := gpiocdev.NewChip(e.path)
	if err != nil {
		return Info{}, fmt.Errorf("open chip %s: %w", e.label, err)
	}
	defer c.Close()
	li, err := c.LineInfo(offset)
	if err != nil {
		return Info{}, fmt.Errorf("ask line %d of chip %s: %w", offset, e.label, gone(err))
	}
	dir := "input"
	if li.Config.Direction == gpiocdev.LineDirectionOutput {
		dir = "output"
	}
	return Info{Chip: e.path, Label: e.label, Offset: offset, Name: li.Name, Direction: dir,
		ActiveLow: li.Config.ActiveLow, Used: li.Used, Consumer: li.Consumer}, nil
}

// escape leaves letters, digits and _.,- as they are and writes the rest as %XX.
func escape(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,-"
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
