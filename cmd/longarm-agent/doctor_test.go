package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"longarm/hw/doctor/doctortest"
)

var update = flag.Bool("update", false, "write the doctor's goldens anew")

// TestDoctorKnowsTheseBoxes: a Raspberry Pi 3, 4, 5 and an x86 gateway, each
// with a config of its own, and what is said of them.
func TestDoctorKnowsTheseBoxes(t *testing.T) {
	for _, name := range []string{"pi3", "pi4", "pi5", "gateway"} {
		t.Run(name, func(t *testing.T) {
			a := doctortest.Read(t, "../..", name+".txtar")
			root := doctortest.Build(t, "../..", a)
			config := filepath.Join(t.TempDir(), "longarm.toml")
			want := ""
			for _, f := range a.Files {
				switch f.Name {
				case "longarm.toml":
					doctortest.Put(t, "../..", config, string(f.Data))
				case "want":
					want = string(f.Data)
				}
			}
			got, code := runVerb(t, "doctor", "-config", config, root)
			if code != exitError {
				t.Errorf("exit %d, want %d: things bite here", code, exitError)
			}
			got = strings.ReplaceAll(got, config, "/etc/longarm/longarm.toml")
			if *update {
				rewrite(t, filepath.Join("../../hw/doctor/testdata", name+".txtar"), a, got)
				return
			}
			if got != want {
				t.Errorf("it says:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// runVerb runs one verb in this process.
func runVerb(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = dispatch(t.Context(), args, &out, &errs)
	if errs.Len() > 0 {
		t.Logf("stderr: %s", errs.String())
	}
	return out.String(), code
}

func rewrite(t *testing.T, path string, a *txtar.Archive, want string) {
	t.Helper()
	kept := a.Files[:0]
	for _, f := range a.Files {
		if f.Name != "want" {
			kept = append(kept, f)
		}
	}
	a.Files = append(kept, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
