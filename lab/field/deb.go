package field

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"longarm/lab/guest"
)

// Deb makes the agent's Debian package for arm64 of a version, from packaging/deb and
// packaging/systemd, and gives its path on the host. The binary says that version too.
func Deb(t testing.TB, version string) string {
	t.Helper()
	tree := t.TempDir()
	put := func(path, src string, mode os.FileMode, swap ...string) {
		t.Helper()
		text, err := os.ReadFile(src)
		if err != nil {
			t.Fatal(err)
		}
		if len(swap) > 0 {
			text = []byte(strings.NewReplacer(swap...).Replace(string(text)))
		}
		to := filepath.Join(tree, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, mode); err != nil {
			t.Fatal(err)
		}
	}
	packaging := filepath.Join(Root(t), "packaging")
	put("DEBIAN/control", packaging+"/deb/control", 0o644, "@VERSION@", version, "@ARCH@", "arm64")
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		put("DEBIAN/"+script, packaging+"/deb/"+script, 0o755)
	}
	put(Binary, Variant(t, "arm64", "VERSION="+version), 0o755)
	for _, unit := range []string{Unit, "longarm-safe.service"} {
		put("lib/systemd/system/"+unit, packaging+"/systemd/"+unit, 0o644)
	}
	deb := filepath.Join(t.TempDir(), "longarm-agent_"+version+"_arm64.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", tree, deb).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	return deb
}

// Unpack installs a package of the host in the guest with dpkg.
func Unpack(t testing.TB, g *guest.Guest, deb string) {
	t.Helper()
	const at = "/run/package.deb"
	if err := g.Put(deb, at, 0o644); err != nil {
		t.Fatal(err)
	}
	// The guest's root was made without running any script, so dpkg's own checks of what
	// else is there would fail.
	Sh(t, g, "dpkg --force-depends -i "+at)
}

// Packaged is a guest with systemd in which the agent comes from its package: installed,
// enabled, not yet started, since the config is written after it. config is as in Install.
func Packaged(t *testing.T, g *guest.Guest, s *Service, config, deb string) *Box {
	t.Helper()
	b := &Box{Guest: g, Service: s, Container: s.Add(t, "box-"+strings.ToLower(t.Name())), t: t}
	Unpack(t, g, deb)
	if state := b.Prop("ActiveState"); state != "inactive" {
		t.Errorf("installed without a config the unit is %s, want inactive", state)
	}
	b.write(KeyFile, b.Container.Key+"\n", 0o640)
	b.Configure(config)
	b.Sh("chown root:longarm " + KeyFile + "; chgrp gpio /dev/gpiochip*; chmod 660 /dev/gpiochip*")
	return b
}

// On is the same box, with its container, in another boot.
func (b *Box) On(g *guest.Guest) *Box {
	return &Box{Guest: g, Service: b.Service, Container: b.Container, t: b.t}
}

// RootDisk copies the root with systemd of arm64, for a guest that is booted more than once
// (guest.Options.Disk). It is gone with the test.
func RootDisk(t testing.TB) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "root.ext4")
	if out, err := exec.Command("cp", "--sparse=always", filepath.Join(guest.CacheDir(), "arm64/rootfs.ext4"), disk).CombinedOutput(); err != nil {
		t.Fatalf("copy the root: %v\n%s", err, out)
	}
	return disk
}
