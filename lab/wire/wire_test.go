package wire

import (
	"encoding/json"
	"reflect"
	"testing"
)

// The host's Config must come out in the guest as it went in.
func TestConfigSurvives(t *testing.T) {
	in := Config{Mode: "mini", Modules: []string{"configfs", "gpio_sim"}, Trace: true, Net: true, Root: "/dev/vda", Hostname: "lab", Time: 1 << 60,
		Chips: []Chip{{Name: "pi", Label: "pinctrl-bcm2711", Lines: 58, Names: map[int]string{17: "GPIO17"}, Pulls: map[int]int{4: 1}}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Config
	if err := json.Unmarshal(b, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v, %v, want %+v", out, err, in)
	}
}

func TestLast(t *testing.T) {
	for ev, want := range map[string]bool{OK: true, Fail: true, Exit: true, Hello: false, Started: false, Data: false, Out: false, Err: false} {
		if got := (Reply{Ev: ev}).Last(); got != want {
			t.Errorf("%s: last %t, want %t", ev, got, want)
		}
	}
}
