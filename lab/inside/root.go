package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"longarm/lab/wire"
)

// unit is the server under systemd. It starts early, so that the host sees a boot that
// hangs, and outlives changes of target.
const unit = `[Unit]
Description=Lab control server
DefaultDependencies=no
After=local-fs.target
IgnoreOnIsolate=yes
[Service]
ExecStart=` + program + `
Restart=on-failure
KillMode=process
OOMScoreAdjust=-1000
StandardOutput=journal
`

// switchRoot mounts the real root and becomes its init.
func switchRoot(c wire.Config) error {
	const root = "/newroot"
	if !until(5*time.Second, 5*time.Millisecond, func() bool { _, err := os.Stat(c.Root); return err == nil }) {
		return fmt.Errorf("%s never appeared", c.Root)
	}
	folder(root)
	if err := unix.Mount(c.Root, root, "ext4", unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	if err := carryOver("/lab/root", root); err != nil {
		return fmt.Errorf("files of the host: %w", err)
	}
	if err := addUnit(); err != nil {
		return err
	}
	for _, d := range []string{"/dev", "/proc", "/sys", "/run"} {
		if err := unix.Mount(d, root+d, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", d, err)
		}
	}
	for _, p := range []string{"/lab", "/init"} { // give the initramfs's memory back
		_ = os.RemoveAll(p)
	}
	if err := enter(root); err != nil {
		return err
	}
	return syscall.Exec("/sbin/init", []string{"/sbin/init"}, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=", "TERM=dumb"})
}

func enter(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	return os.Chdir("/")
}

func addUnit() error {
	const units = "/run/systemd/system/"
	folder(units + "sysinit.target.wants")
	if err := os.WriteFile(units+"lab-control.service", []byte(unit), 0o644); err != nil {
		return err
	}
	return os.Symlink("../lab-control.service", units+"sysinit.target.wants/lab-control.service")
}

// carryOver puts the files under one folder to the same places under another.
func carryOver(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return nil // the host sent none
	}
	return filepath.Walk(from, func(p string, fi os.FileInfo, err error) error {
		dst := to + strings.TrimPrefix(p, from)
		switch {
		case err != nil:
			return err
		case fi.IsDir():
			return os.MkdirAll(dst, fi.Mode().Perm())
		case fi.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			return relink(target, dst)
		}
		return copyFile(p, dst, fi.Mode().Perm())
	})
}
