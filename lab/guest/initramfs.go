package guest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"maps"

	"longarm/lab/cpio"
	"longarm/lab/wire"
)

// applets are the commands of a mini guest. busybox's wget is left out: the static one
// crashes in its resolver; "/run/lab/labguest get URL" serves instead.
const applets = "sh cat ls ps ip ping mount umount dmesg grep sed awk sleep kill top stty date env head tail nc od " +
	"hexdump free id uname mkdir rm cp mv ln chmod touch echo printf test true false vi find du df sync poweroff reboot"

// Parts are what an initramfs is made of.
type Parts struct {
	Kernel  string // folder of the unpacked kernel package: lib/modules/…
	GPIOSim string // gpio-sim.ko, built for that kernel
	Inside  string // the program inside (lab/inside), for the guest's architecture
	Busybox string // a static one
}

// BuildInitramfs writes base.cpio and meta.json into dir.
func BuildInitramfs(dir string, p Parts) error {
	kernel, files, err := modulesUnder(p.Kernel)
	if err != nil {
		return err
	}
	files["gpio_sim"] = p.GPIOSim
	mods, err := readModules(files, append(wantModules, strings.Fields(os.Getenv("LAB_EXTRA_MODULES"))...))
	if err != nil {
		return err
	}
	inside, err := os.ReadFile(p.Inside)
	if err != nil {
		return err
	}
	busybox, err := os.ReadFile(p.Busybox)
	if err != nil {
		return err
	}
	var image bytes.Buffer
	if err := writeBase(&image, inside, busybox, mods); err != nil {
		return err
	}
	meta, err := json.MarshalIndent(Meta{Kernel: kernel, Guest: fmt.Sprintf("%x", sha256.Sum256(inside)), Depends: mods.orders()}, "", " ")
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "base.cpio"), image.Bytes()); err != nil {
		return err
	}
	return replace(filepath.Join(dir, "meta.json"), meta)
}

func writeBase(to io.Writer, inside, busybox []byte, mods modules) error {
	w := cpio.NewWriter(to)
	w.CharDev("dev/console", 0o600, 5, 1)
	w.CharDev("dev/null", 0o666, 1, 3)
	for _, d := range []string{"proc", "sys", "run", "tmp", "root", "etc"} {
		w.Dir(d)
	}
	w.File("init", 0o755, inside)
	w.File("bin/busybox", 0o755, busybox)
	for a := range strings.FieldsSeq(applets) {
		w.Link("bin/"+a, "busybox")
	}
	for _, m := range slices.Sorted(maps.Keys(mods)) {
		w.File("lab/modules/"+m+".ko", 0o644, mods[m].image)
	}
	return w.Close()
}

// replace writes beside and renames, so that a reader sees the old file or the new one.
func replace(path string, b []byte) error {
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// overlay is the second archive of the initramfs: this run's configuration and files. With
// systemd they go to a place from which PID 1 moves them to the real root.
func overlay(c wire.Config, files []File) ([]byte, error) {
	j, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	w.File("lab/config.json", 0o644, j)
	for _, f := range files {
		to := f.Path
		if c.Mode == "systemd" {
			to = filepath.Join("lab/root", to)
		}
		if f.Link != "" {
			w.Link(to, f.Link)
			continue
		}
		contents, err := f.contents()
		if err != nil {
			return nil, err
		}
		w.File(to, f.mode(), contents)
	}
	err = w.Close()
	return b.Bytes(), err
}
