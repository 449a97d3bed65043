package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/device"
	"longarm/push/client"
)

// example reads a file of testdata.
func example(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// told parses a text as file f.toml and returns its faults as lines.
func told(text string) (Config, []string) {
	c, faults := Parse("f.toml", []byte(text))
	return c, lined(faults)
}

func lined(faults []Fault) (lines []string) {
	for _, f := range faults {
		lines = append(lines, f.Error())
	}
	return lines
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestValid(t *testing.T) {
	got, faults := told(example(t, "valid.toml"))
	same(t, faults, nil)
	want := Config{
		PushOK: true,
		Push: client.Config{
			URLs: []string{"https://push.example.net:8443/site"}, Container: "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b",
			KeyFile: "/etc/longarm/key", Auth: "header", TLSMin: "1.3",
		},
		StateDir: "/srv/longarm",
		Device: device.Spec{
			OfflineSafeAfter: time.Hour,
			Outputs: []device.OutputSpec{
				{
					Name: "router", Line: device.LineRef{Chip: "pinctrl-bcm2711", Line: "GPIO17", ActiveLow: true},
					Contact: "nc", Safe: "on", AtStart: "keep", Longest: 30 * time.Second, Offline: -1,
				},
				{
					Name: "pump", Board: "usb1", Channel: 3, Contact: "no", Safe: "off", AtStart: "keep",
					Longest: time.Minute, MaxOn: 10 * time.Minute, PowerFail: "hold",
				},
			},
			Boards: []device.BoardSpec{{Name: "usb1", Driver: "lcus", Port: "/dev/serial/by-path/one", Channels: 4, AtConnect: "adopt"}},
			Inputs: []device.InputSpec{{Name: "led", Line: device.LineRef{Line: "GPIO24"}, Bias: "as-is", Debounce: 100 * time.Millisecond}},
			PowerFail: &device.PowerFailSpec{
				Line: device.LineRef{Line: "GPIO6"}, Debounce: 2 * time.Millisecond, LostAfter: 20 * time.Millisecond,
				HoldUp: 2 * time.Second, RestoredAfter: 5 * time.Second, Outputs: "safe", Then: "stay",
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestPinnedExample(t *testing.T) {
	c, faults := told(example(t, "pinned.toml"))
	same(t, faults, nil)
	same(t, lined(c.Warnings), nil)
	same(t, c.Dropped, nil)
	d := c.Device
	if !c.PushOK || d.PowerFail == nil || len(d.Inputs) != 2 || len(d.Outputs) != 7 || len(d.Machines)+len(d.Ports)+len(d.Groups) != 3 || len(d.Triggers) != 2 {
		t.Errorf("got %+v, want everything served", c)
	}
	if o := d.Outputs[0]; o.Confirm != "led" || o.ConfirmWithin != device.DefaultConfirm {
		t.Errorf("router is confirmed by %q within %v, want led within %v", o.Confirm, o.ConfirmWithin, device.DefaultConfirm)
	}
	if want := []device.InterlockSpec{{Outputs: []string{"up", "down"}, DeadTime: 500 * time.Millisecond}}; !reflect.DeepEqual(d.Interlocks, want) {
		t.Errorf("interlocks: got %+v, want %+v", d.Interlocks, want)
	}
	if want := (&device.InputSpec{Line: device.LineRef{Chip: "pinctrl-bcm2711", Line: "GPIO5", ActiveLow: true}, Bias: "as-is"}); !reflect.DeepEqual(d.Lockout, want) {
		t.Errorf("lock-out: got %+v, want %+v", d.Lockout, want)
	}
}

func TestLoad(t *testing.T) {
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v, want os.ErrNotExist", err)
	}
	if _, _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder: got no error")
	}
	path := filepath.Join(t.TempDir(), "big.toml")
	if err := os.WriteFile(path, []byte(strings.Repeat("#\n", MaxSize/2)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, faults, err := Load(path)
	if err != nil || c.PushOK {
		t.Errorf("got %v and push %v, want no error and no push", err, c.PushOK)
	}
	same(t, lined(faults), []string{path + ":1: file: want at most 1 MiB, got more"})
}
