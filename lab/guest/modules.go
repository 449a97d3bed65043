package guest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// wantModules are the kernel modules that an initramfs carries, named as in the kernel
// package. What is built into the kernel is passed over.
var wantModules = []string{
	"configfs", "gpio-sim",
	"virtio_mmio", "virtio_net", "virtio_blk", "virtio_rng", "virtio_console",
	"ext4", "crc32c_generic", "overlay",
	"9pnet_virtio", "9p",
	"xhci-pci", "ftdi_sio", "cdc-acm",
	"i6300esb", "softdog", "bcm2835_wdt",
	"dwc2", "phy-generic", "cdc_ether", "rndis_host",
}

// module is one that the initramfs carries.
type module struct {
	image []byte
	needs []string // directly
}

type modules map[string]module

// norm is a module's name as the kernel prints it.
func norm(name string) string { return strings.ReplaceAll(name, "-", "_") }

// modulesUnder finds the one kernel's version under an unpacked package, and its module
// files by name.
func modulesUnder(root string) (version string, files map[string]string, err error) {
	var tops []string
	for _, lib := range []string{"lib", "usr/lib"} {
		found, err := filepath.Glob(filepath.Join(root, lib, "modules/*"))
		if err != nil {
			return "", nil, err
		}
		tops = append(tops, found...)
	}
	if len(tops) != 1 {
		return "", nil, fmt.Errorf("want one kernel under %s, found %v", root, tops)
	}
	files = map[string]string{}
	err = filepath.WalkDir(tops[0], func(path string, d fs.DirEntry, err error) error {
		name, _, ok := strings.Cut(filepath.Base(path), ".ko")
		if err == nil && ok && d.Type().IsRegular() {
			files[norm(name)] = path
		}
		return err
	})
	return filepath.Base(tops[0]), files, err
}

// readModules reads the wanted ones and all that they need.
func readModules(files map[string]string, wanted []string) (modules, error) {
	mods := modules{}
	for len(wanted) > 0 {
		name := norm(wanted[0])
		wanted = wanted[1:]
		if _, done := mods[name]; done || files[name] == "" {
			continue
		}
		image, err := unpacked(files[name])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", files[name], err)
		}
		needs, err := needsOf(image)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files[name], err)
		}
		mods[name] = module{image: image, needs: needs}
		wanted = append(wanted, needs...)
	}
	return mods, nil
}

// orders is for each module it and all that it needs, in the order of loading.
func (mods modules) orders() map[string][]string {
	all := map[string][]string{}
	for name := range mods {
		all[name] = mods.order(name, nil)
	}
	return all
}

// order adds a module to those before it, after what it needs.
func (mods modules) order(name string, before []string) []string {
	m, carried := mods[name]
	if !carried {
		return before // built into the kernel
	}
	if slices.Contains(before, name) {
		return before
	}
	for _, n := range m.needs {
		before = mods.order(n, before)
	}
	return append(before, name)
}

func unpacked(path string) ([]byte, error) {
	switch filepath.Ext(path) {
	case ".ko":
		return os.ReadFile(path)
	case ".xz":
		return exec.Command("xz", "-dc", path).Output()
	case ".zst":
		return exec.Command("zstd", "-qdc", path).Output()
	}
	return nil, errors.New("unknown kind of module file")
}

// needsOf reads "depends=a,b" in a module's .modinfo section.
func needsOf(image []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil, errors.New("no .modinfo")
	}
	b, err := s.Data()
	if err != nil {
		return nil, err
	}
	var needs []string
	for kv := range strings.SplitSeq(string(b), "\x00") {
		if v, ok := strings.CutPrefix(kv, "depends="); ok && v != "" {
			for name := range strings.SplitSeq(v, ",") {
				needs = append(needs, norm(name))
			}
		}
	}
	return needs, nil
}
