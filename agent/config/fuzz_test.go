package config

import (
	"slices"
	"testing"
)

func FuzzLoad(f *testing.F) {
	f.Add([]byte(example(f, "valid.toml")))
	f.Add([]byte(example(f, "pinned.toml")))
	f.Add([]byte(example(f, "wholes.toml")))
	for _, s := range []string{
		"", "[push]\n[push]", "[[push]]\n[push.a]", "push.url.a = 1\npush.url = 2", "[[output]]\n[output.x]\n[[output]]", "output = [1, {}]\n[[output]]",
		"[port.exchange]\n[[port]]\n[[port.exchange]]", "a = [[[{a=[]}]]]", "\"\" = 1\n[\"\"]\n[\"board.map\"]", "[push]\n\"\" = 1", "[board.map]\n[[board]]\n[board.map]", "name = \"x", "[\x00", "\xff", "x = 1_0__0", "[[output]]\nname=\"a\"\nname=\"a\"",
		"x = [\n# c\n1,\n", "[[board]]\nname=\"u\"\nmap={}\n", "[a]\n[a.b]\nc=1\n[a]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, faults := Parse("f", data)
		if len(faults) > maxFaults || len(faults) == 0 && !c.PushOK {
			t.Errorf("%d faults, push usable %v", len(faults), c.PushOK)
		}
		last := 1
		for _, x := range slices.Concat(faults, c.Warnings) {
			if x.Line < 1 || x.File == "" || x.Field == "" || x.Want == "" || x.Got == "" {
				t.Errorf("not whole: %#v", x)
			}
		}
		for _, x := range faults {
			if x.Line < last {
				t.Errorf("line %d after %d", x.Line, last)
			}
			last = x.Line
		}
		served := map[string]bool{}
		for _, o := range c.Device.Outputs {
			served[o.Name] = true
		}
		for _, g := range c.Device.Groups {
			for _, m := range g.Members {
				if !served[m] {
					t.Errorf("%s is served without its member %s", g.Name, m)
				}
			}
		}
		for _, o := range c.Device.Outputs {
			if !goodName(o.Name) || slices.Contains(c.Dropped, o.Name) || (o.Line.Line == "") == (o.Board == "") {
				t.Errorf("served: %+v, dropped %v", o, c.Dropped)
			}
		}
	})
}
