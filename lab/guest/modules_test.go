package guest

import (
	"maps"
	"slices"
	"testing"
)

// What a module needs comes before it, each once, and what is built in is not there.
func TestOrderOfModules(t *testing.T) {
	mods := modules{
		"net":      {needs: []string{"failover", "built_in"}},
		"failover": {needs: []string{"base"}},
		"usb":      {needs: []string{"base", "failover"}},
		"base":     {},
	}
	want := map[string][]string{
		"net":      {"base", "failover", "net"},
		"failover": {"base", "failover"},
		"usb":      {"base", "failover", "usb"},
		"base":     {"base"},
	}
	if got := mods.orders(); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	got := loads([]string{"net", "usb", "not-carried", "net"}, want)
	if !slices.Equal(got, []string{"base", "failover", "net", "usb"}) {
		t.Errorf("loads %v", got)
	}
}

func TestNamesOfModules(t *testing.T) {
	if got := loads([]string{"gpio-sim"}, map[string][]string{"gpio_sim": {"configfs", "gpio_sim"}}); !slices.Equal(got, []string{"configfs", "gpio_sim"}) {
		t.Errorf("gpio-sim loads %v", got)
	}
}
