package guest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded is what the shell command of Edges printed in a guest.
func recorded(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/trace.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTrace(t *testing.T) {
	tr, err := parseTrace(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		label  string
		offset int
		want   []Edge
	}{
		{"pinctrl-bcm2711", 17, []Edge{{9517959 * time.Microsecond, 1}, {9617998 * time.Microsecond, 0}}},
		{"pinctrl-bcm2711", 18, nil}, // read, never set
		{"relays", 3, []Edge{{9700001 * time.Microsecond, 1}}},
	} {
		got, err := tr.edges(c.label, c.offset)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s:%d: %v, %v, want %v", c.label, c.offset, got, err, c.want)
		}
	}
	if got, err := tr.edges("relay", 3); err == nil {
		t.Errorf("an unknown chip gives %v", got)
	}
}

func TestTraceIsNotTrusted(t *testing.T) {
	good := recorded(t)
	for name, c := range map[string]struct{ old, new, want string }{
		"overwritten": {"7/7 ", "7/19 ", "12 records were lost"},
		"lost":        {"       relay-hog", "CPU:0 [LOST 3 EVENTS]\n     relay-hog", "1 records were lost"},
		"off":         {"1\n", "0\n", "nothing is being recorded"},
		"not counted": {"# entries-in-buffer", "# entries", "does not say how much"},
		"no time":     {"9.700001", "9.7o0001", "9.7o0001"},
		"no number":   {"gpio_value: 532 set 1", "gpio_value: x set 1", "invalid syntax"},
		"no base":     {"base:512", "base:", "invalid syntax"},
		"cut short":   {"gpio_value: 532 set 1", "gpio_value: 532", "want NUMBER"},
	} {
		if _, err := parseTrace(strings.Replace(good, c.old, c.new, 1)); err == nil || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
	}
}

func TestTwoChipsWithOneLabel(t *testing.T) {
	tr, err := parseTrace(strings.Replace(recorded(t), "label:relays", "label:pinctrl-bcm2711", 1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tr.edges("pinctrl-bcm2711", 17); err == nil {
		t.Errorf("an ambiguous label gives %v", got)
	}
}
