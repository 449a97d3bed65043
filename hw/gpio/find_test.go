package gpio

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	chips := []entry{
		{"/dev/gpiochip0", "pinctrl-bcm2711", 2, []string{"ID_SDA", "GPIO1", "SDA1", "DUP"}},
		{"/dev/gpiochip1", "expander", 2, []string{"", "R1", "DUP", "0", "TWICE", "TWICE"}},
		{"/dev/gpiochip2", "twin", 2, []string{"LEFT"}},
		{"/dev/gpiochip3", "twin", 2, []string{"RIGHT"}},
		{"/dev/gpiochip4", "old", 1, []string{"OLD"}},
	}
	for _, c := range []struct {
		name, chip, line string
		path             string
		offset           int
		err              error
		text             string
	}{
		{"name on a labelled chip", "pinctrl-bcm2711", "SDA1", "/dev/gpiochip0", 2, nil, ""},
		{"offset on a labelled chip", "pinctrl-bcm2711", "3", "/dev/gpiochip0", 3, nil, ""},
		{"name anywhere", "", "R1", "/dev/gpiochip1", 1, nil, ""},
		{"name decides between twins", "twin", "RIGHT", "/dev/gpiochip3", 0, nil, ""},
		{"offset cannot decide between twins", "twin", "0", "", 0, ErrAmbiguous, "gpiochip3"},
		{"name on two chips", "", "DUP", "", 0, ErrAmbiguous, "3 of pinctrl-bcm2711"},
		{"name on two chips, one meant", "expander", "DUP", "/dev/gpiochip1", 2, nil, ""},
		{"name twice on one chip", "expander", "TWICE", "", 0, ErrAmbiguous, "5 of expander"},
		{"a name that is another line's offset", "expander", "0", "", 0, ErrAmbiguous, ""},
		{"offset without a chip", "", "7", "", 0, ErrNotFound, "an offset needs a chip label"},
		{"offset behind the end", "expander", "6", "", 0, ErrNotFound, "with 6 lines"},
		{"negative offset", "expander", "-1", "", 0, ErrNotFound, ""},
		{"no such name", "", "GPIO99", "", 0, ErrNotFound, "on any chip"},
		{"no such chip", "pinctrl-rp1", "GPIO1", "", 0, ErrNotFound, `chips here are "pinctrl-bcm2711", "expander"`},
		{"chip number", "gpiochip0", "GPIO1", "", 0, ErrNotFound, "want a label"},
		{"empty line", "expander", "", "", 0, ErrNotFound, "name is empty"},
		{"old kernel", "old", "OLD", "", 0, ErrKernel, "5.10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, offset, err := find(chips, c.chip, c.line)
			if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Fatalf("error = %v, want %v with %q", err, c.err, c.text)
			}
			if got.path != c.path || offset != c.offset {
				t.Errorf("found %d of %s, want %d of %s", offset, got.path, c.offset, c.path)
			}
		})
	}
}

func TestFindWithoutChips(t *testing.T) {
	_, _, err := find(nil, "pinctrl-bcm2711", "GPIO17")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "no GPIO chip") {
		t.Errorf("error = %v", err)
	}
}

// A chip that cannot be opened is told, a link and a dangling link are no further chips.
func TestScanTellsWhatItCannotOpen(t *testing.T) {
	dev := t.TempDir()
	file := filepath.Join(dev, "gpiochip0")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, filepath.Join(dev, "gpiochip4")),
		os.Symlink("nothing", filepath.Join(dev, "gpiochip9"))); err != nil {
		t.Fatal(err)
	}
	chips, err := scan(dev)
	if len(chips) != 0 || err == nil || strings.Count(err.Error(), "look at") != 1 {
		t.Errorf("scan = %v, %v; want one complaint about gpiochip0", chips, err)
	}
}

func TestStoreName(t *testing.T) {
	for _, c := range []struct {
		info Info
		want string
	}{
		{Info{Label: "pinctrl-bcm2711", Offset: 17, Name: "GPIO17"}, "gpio/pinctrl-bcm2711/17/GPIO17"},
		{Info{Label: "0-0020:x", Offset: 3}, "gpio/0-0020%3Ax/3/"},
		{Info{Label: "a/b", Offset: 3, Name: "ä %\n"}, "gpio/a%2Fb/3/%C3%A4%20%25%0A"},
	} {
		if got := c.info.StoreName(); got != c.want {
			t.Errorf("StoreName = %q, want %q", got, c.want)
		}
	}
	long := Info{Label: strings.Repeat(":", 31), Offset: 1 << 30, Name: strings.Repeat("ä", 15)}.StoreName()
	if len(long) > 255 {
		t.Errorf("longest name is %d bytes, want at most 255", len(long))
	}
}

func TestParseFdinfo(t *testing.T) {
	const head = "pos:\t0\nflags:\t02000000\nmnt_id:\t15\nino:\t1057\n"
	for _, c := range []struct {
		name, text, chip string
		offset           int
		err              error
	}{
		{"one line", head + "gpio-chip:\tgpiochip0\ngpio-line:\t17\n", "gpiochip0", 17, nil},
		{"two lines", head + "gpio-chip:\tgpiochip0\ngpio-line:\t17\ngpio-line:\t18\n", "", 0, errNoLine},
		{"older kernel", head, "", 0, errNotTold},
		{"no number", "gpio-chip:\tgpiochip0\ngpio-line:\tx\n", "", 0, errNotTold},
		{"empty", "", "", 0, errNotTold},
	} {
		chip, offset, err := parseFdinfo(c.text)
		if chip != c.chip || offset != c.offset || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %d, %v; want %q, %d, %v", c.name, chip, offset, err, c.chip, c.offset, c.err)
		}
	}
}

func FuzzParseFdinfo(f *testing.F) {
	f.Add("gpio-chip:\tgpiochip0\ngpio-line:\t17\n")
	f.Add("gpio-line:\t-1\n:\n")
	f.Fuzz(func(t *testing.T, text string) {
		if chip, _, err := parseFdinfo(text); err == nil && chip == "" {
			t.Error("no chip and no error")
		}
	})
}

func TestInputOptions(t *testing.T) {
	for _, o := range []InputOptions{{Bias: "up"}, {Debounce: -1}, {Debounce: 2 * maxDebounce}} {
		in := &Input{o: o}
		if _, err := in.config(); err == nil {
			t.Errorf("config of %+v: no error", o)
		}
	}
}

func TestNoSuchLine(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOutput("no such chip", "1", OutputOptions{Stored: null}); !errors.Is(err, ErrNotFound) {
		t.Errorf("OpenOutput = %v, want ErrNotFound", err)
	}
	if err := null.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error("OpenOutput left the stored descriptor open")
	}
	if _, err := OpenInput("no such chip", "1", InputOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("OpenInput = %v, want ErrNotFound", err)
	}
}
