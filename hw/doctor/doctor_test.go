package doctor

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"longarm/hw/doctor/doctortest"
)

const project = "../.."

// Paths and texts of good.txtar that the tests spoil.
const (
	configTxt = "boot/firmware/config.txt"
	persist   = "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs"
	unitFile  = "usr/lib/systemd/system/longarm-agent.service"
	dropFile  = "etc/systemd/system/longarm-agent.service.d/90-test.conf"
	rulesD    = "usr/lib/udev/rules.d/"
	relays    = "/dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-port0"
	upsSocket = "/dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.4:1.0-port0"
	upsByID   = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A9014HUX-if00-port0"
	usb       = "sys/devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0/usb1/1-1/"
)

// goodSpec is a config that is right on good.txtar.
func goodSpec() *Spec {
	return &Spec{
		Config: "longarm.toml",
		Outputs: []*Output{
			{About: "output pump", Chip: "pinctrl-bcm2711", Line: "GPIO27", Driven: "on"},
			{About: "output router", Line: "GPIO5", ActiveLow: true, Driven: "off"},
		},
		Ports: []*Port{
			{About: "board usb1", Key: "port", Path: relays},
			{About: "port ups", Key: "device", Path: upsByID},
		},
		GPIO:     true,
		StateDir: "/var/lib/longarm",
	}
}

// files are changes of a tree: texts in doctortest's notation. A link to
// nowhere is as good as no file.
type files map[string]string

// put makes the changes, and undo takes them back.
func (f files) put(t *testing.T, root string) (undo func()) {
	t.Helper()
	aside := t.TempDir()
	var back []func() error
	for i, name := range slices.Sorted(maps.Keys(f)) {
		path, old := filepath.Join(root, name), filepath.Join(aside, strconv.Itoa(i))
		restore := func() error {
			err := os.RemoveAll(path)
			for dir := filepath.Dir(path); os.Remove(dir) == nil; dir = filepath.Dir(dir) { // made for it, and empty
			}
			return err
		}
		if err := os.Rename(path, old); err == nil { // it was there
			restore = func() error { return errors.Join(os.RemoveAll(path), os.Rename(old, path)) }
		}
		back = append(back, restore)
		doctortest.Put(t, project, path, f[name])
	}
	return func() {
		for _, step := range slices.Backward(back) {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// spoil is one thing in the good box that is changed, and what is said then.
type spoil struct {
	name     string
	files    files
	spec     func(s *Spec)
	severity Severity
	about    string
	text     string // in the finding's text
	remedy   string // in its remedy; "-" = there is none
}

// examineSpoils changes one thing at a time and wants one finding.
func examineSpoils(t *testing.T, spoils []spoil) {
	t.Helper()
	root := doctortest.Build(t, project, doctortest.Read(t, project, "good.txtar"))
	for _, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			defer s.files.put(t, root)()
			spec := goodSpec()
			if s.spec != nil {
				s.spec(spec)
			}
			r := Examine(t.Context(), spec, root)
			wellFormed(t, r)
			for _, f := range r.Findings {
				if f.Severity == s.severity && f.About == s.about && strings.Contains(f.Text, s.text) {
					if s.remedy == "-" && f.Remedy != "" || s.remedy != "-" && !strings.Contains(f.Remedy, s.remedy) {
						t.Errorf("the remedy of %q is %q, want %q in it", f.Text, f.Remedy, s.remedy)
					}
					return
				}
			}
			t.Errorf("no finding of severity %d about %q with %q in it:\n%s", s.severity, s.about, s.text, printed(t, r))
		})
	}
}

// wellFormed: no mark of the texts is left over, and a remedy says what to do
// before it gives lines.
func wellFormed(t *testing.T, r Report) {
	t.Helper()
	for _, f := range r.Findings {
		all := f.Text + f.Remedy
		for _, mark := range []string{"{drop-in}", "{root}", "{boot}", "{rule}", "{hung}", "{manager}", "{state}", "{port}", "{service}",
			"{moves}", "{preset}", "{resistor}", "{move}", "{other pin}", "{config.txt}", "{longarm.toml}", "%0", "%1", "%2", "%3"} {
			if strings.Contains(all, mark) {
				t.Errorf("%q is left over in %q", mark, all)
			}
		}
		if f.Text == "" || strings.Contains(f.Text, "\n") || strings.HasSuffix(f.Text, ".") || strings.HasPrefix(f.Remedy, "\t") {
			t.Errorf("finding %+v: want a sentence without full stop, and a remedy that begins with what to do", f)
		}
	}
}

func printed(t *testing.T, r Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestNothingBitesOnAGoodBox(t *testing.T) {
	root := doctortest.Build(t, project, doctortest.Read(t, project, "good.txtar"))
	r := Examine(t.Context(), goodSpec(), root)
	wellFormed(t, r)
	if r.Bites() {
		t.Errorf("it bites:\n%s", printed(t, r))
	}
	for _, f := range r.Findings {
		if f.Severity == Note && f.About != "clock" {
			t.Errorf("note %s: %s", f.About, f.Text)
		}
		if strings.Contains(f.Text, "measured") {
			t.Error("it measured on a tree that is not this machine's")
		}
	}
}

// TestNothingIsGuessedOnAnEmptyTree: a tree without files bites nobody.
func TestNothingIsGuessedOnAnEmptyTree(t *testing.T) {
	r := Examine(t.Context(), goodSpec(), t.TempDir())
	wellFormed(t, r)
	for _, f := range r.Findings {
		if f.Severity != Note || !strings.HasPrefix(f.Text, "cannot tell: ") {
			t.Errorf("severity %d, %s: %s", f.Severity, f.About, f.Text)
		}
	}
	if len(r.Findings) < 7 {
		t.Errorf("only %d findings", len(r.Findings))
	}
}

func TestTheConfigsFaultsAreTold(t *testing.T) {
	examineSpoils(t, []spoil{{"faults", nil, func(s *Spec) { s.Faults = 3 }, Note, "config", "3 faults in longarm.toml", "-"}})
}

func TestPrint(t *testing.T) {
	r := Report{Box: "Box", Findings: []Finding{
		{Severity: OK, About: "clock", Text: "runs"},
		{Severity: Bites, About: "output a", Text: "it is moved " + strings.Repeat("again and ", 8) + "again", Remedy: "add to F:\n\tx=" + strings.Repeat("y", 90) + "\n\tz"},
	}}
	want := `Box

BITES
  output a: it is moved again and again and again and again and again and
    again and again and again and again
      add to F:
          x=` + strings.Repeat("y", 90) + `
          z

OK
  clock: runs

1 bites, 0 to note, 1 ok
`
	if got := printed(t, r); got != want {
		t.Errorf("it prints:\n%s\nwant:\n%s", got, want)
	}
	if !r.Bites() {
		t.Error("a report with a finding that bites says that none does")
	}
}
