package doctor

import (
	"strings"
	"testing"
)

// FuzzTexts: whatever stands in the files that the doctor decodes, it ends, and
// what it says has the form of a finding.
func FuzzTexts(f *testing.F) {
	for _, seed := range []string{
		"gpio=27=op,dh\ngpio=1-3,,9-=pu,\n[pi4]\n", "[]\n[\n=\n==\ngpio==\ndtparam=strict_gpiod\n", "[Service]\nUser=a\nUser=\nReadWritePaths=-/ +/a\n",
		"RuntimeWatchdogSec=1min 30\nRuntimeWatchdogSec=9999999999h\nRuntimeWatchdogSec=s\n", "a:b:c:d\n:::\nlongarm:x:1:2\n", "/dev/root / overlay rw,upperdir=\n x y z\n",
		"ENV{PRODUCT}==\"1a86/7523/*\"\nGROUP=\"\nSUBSYSTEM==\"gpio\", GROUP=\"gpio\"\n", "console=ttyS0,115200 %0 {root} {drop-in}\n", "\x00\x1b[2J\n", " ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		kept := texts{}
		for _, l := range lines {
			if l = strings.TrimSpace(l); l != "" {
				kept.add(l)
			}
		}
		b := &box{tree: tree{t.TempDir()}, spec: goodSpec(), soc: "bcm2711", boot: kept, rules: kept, init: "systemd", bootFile: "F"}
		b.chips = texts{"pinctrl-bcm2711\x00" + strings.Join(lines, "\x00")}
		b.unit = &settings{file: "U", lines: kept}
		b.usb = []*usbDevice{{dir: "/d", vendor: "1a86", product: "7523", id: "1a86:7523"}}
		b.checkPins()
		b.checkRelease()
		b.checkPorts()
		b.checkUnit()
		b.checkRights()
		b.checkThieves(&port{about: "p", tty: "ttyUSB0", usb: b.usb[0]})
		if d, err := span(text); err == nil && strings.HasPrefix(text, "1") && d < 0 {
			t.Errorf("%q is %s", text, d)
		}
		for _, finding := range b.found {
			if finding.Text == "" || finding.About == "" {
				t.Errorf("a finding says nothing: %+v", finding)
			}
		}
	})
}
