package guest

import (
	"path/filepath"
)

// machine is what QEMU is told, and what the kernel in it must load and print to.
type machine struct {
	*run
	dir     string // the working folder
	bin     string
	args    []string
	devices []string // the part of args that a saved machine must have in common with the one that goes on from it
	modules []string
	console string // kernel arguments
	serial  string // the socket of the serial line's host end
}

// newMachine decides everything and touches nothing.
func newMachine(r *run, dir string) *machine {
	m := &machine{run: r, dir: dir}
	m.add("-nodefaults", "-display", "none",
		"-kernel", filepath.Join(r.cache, "kernel"), "-initrd", m.file("initrd"),
		"-chardev", "file,id=con,path="+m.file("console.log"),
		"-chardev", "socket,id=ctl,path="+m.file("ctl.sock")+",server=on,wait=off",
		"-qmp", "unix:"+m.file("qmp.sock")+",server=on,wait=off")
	if r.raspi() {
		m.raspi3b()
	} else {
		m.virt()
	}
	m.load(r.Modules...)
	m.devices = append([]string{m.bin}, m.args...)
	m.disks()
	if !r.Reboot {
		m.add("-no-reboot")
	}
	if r.saved {
		m.add("-incoming", "exec:cat "+filepath.Join(r.cache, savedState))
	}
	// kpti=off: a fifth fewer emulated instructions. cryptomgr.notests: no self-tests at boot.
	m.add("-append", "console="+m.console+" quiet panic=-1 net.ifnames=0 cryptomgr.notests mitigations=off kpti=off audit=0 "+r.Append)
	m.add(r.QEMU...)
	return m
}

func (m *machine) add(args ...string)     { m.args = append(m.args, args...) }
func (m *machine) load(modules ...string) { m.modules = append(m.modules, modules...) }
func (m *machine) file(name string) string {
	return filepath.Join(m.dir, name)
}

// shareDir is the host's side of the shared folder, "" if there is none.
func (m *machine) shareDir() string {
	if !m.shares() {
		return ""
	}
	return m.file("share")
}

// disks gives the guest its root or its data disk. A throw-away view keeps what is written
// in a file of QEMU's own that has no name.
func (m *machine) disks() {
	drive := ""
	switch {
	case m.Data != "":
		drive = "cache=writeback,file=" + m.Data
	case m.Mode != "systemd":
		return
	case m.Disk != "":
		drive = "cache=writeback,file=" + m.Disk
	case m.saved:
		drive = "snapshot=on,file=" + filepath.Join(m.cache, savedDisk)
	default:
		drive = "snapshot=on,file=" + filepath.Join(m.cache, "rootfs.ext4")
	}
	m.load("virtio_blk", "crc32c_generic", "ext4")
	m.add("-drive", "if=none,id=disk,format=raw,"+drive, "-device", "virtio-blk-device,drive=disk")
}

// accel is how QEMU runs the guest's instructions: never by KVM, which a host in a cloud
// emulates worse than QEMU emulates ARM.
func (m *machine) accel() []string {
	if m.Virtual {
		// Instructions are counted, so it takes one thread; shift=auto keeps the clock of a
		// busy guest near the host's; sleep=off jumps to the next timer when it is idle.
		return []string{"-accel", "tcg,thread=single", "-icount", "shift=auto,sleep=off"}
	}
	return []string{"-accel", "tcg,thread=multi"}
}
