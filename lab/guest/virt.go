package guest

import "fmt"

// virt is QEMU's own ARM board, quick and with everything on virtio.
func (m *machine) virt() {
	m.console = "ttyAMA0"
	m.load("configfs", "gpio-sim", "virtio_mmio", "virtio_console")
	m.add("-serial", "chardev:con", "-smp", fmt.Sprint(m.CPUs), "-m", fmt.Sprint(m.MemMB))
	m.add(m.accel()...)
	// cortex-a53 and a15 rather than max: fewer features, fewer instructions.
	m.bin = "qemu-system-aarch64"
	board, cpu := "virt", "cortex-a53"
	if m.Arch == "arm" {
		m.bin, board, cpu = "qemu-system-arm", "virt,highmem=off", "cortex-a15"
	}
	m.add("-M", board, "-cpu", cpu)
	m.add("-device", "virtio-serial-device", "-device", "virtserialport,chardev=ctl,name=lab.ctl", "-device", "virtio-rng-device")
	m.virtNet()
	m.virtShare()
	m.virtSerial()
	m.virtWatchdog()
}

func (m *machine) virtNet() {
	if m.NoNet {
		return
	}
	m.load("virtio_net")
	m.add("-netdev", "user,id=net0", "-device", "virtio-net-device,netdev=net0,id=nic0,mac=b8:27:eb:00:00:01")
}

func (m *machine) virtShare() {
	if !m.shares() {
		return
	}
	m.load("9pnet_virtio", "9p")
	m.add("-fsdev", "local,id=share,security_model=none,path="+m.shareDir(), "-device", "virtio-9p-device,fsdev=share,mount_tag=lab")
}

func (m *machine) virtSerial() {
	if m.Serial == "" {
		return
	}
	m.serialLine()
	if m.Serial == "pci" {
		m.add("-device", "pci-serial,chardev=ser")
		return
	}
	m.load("xhci-pci", "ftdi_sio")
	m.add("-device", "qemu-xhci,id=xhci")
	if !m.unplugged {
		m.add("-device", adapter+",bus=xhci.0,port="+adapterPort)
	}
}

func (m *machine) virtWatchdog() {
	if m.Watchdog {
		m.load("i6300esb")
		m.add("-device", "i6300esb,id=wdt", "-action", "watchdog=reset")
	}
}

// adapter is a USB serial adapter that keeps its side of the line open while nobody on the
// host is connected.
const adapter = "usb-serial,chardev=ser,id=ser0,always-plugged=on"

// adapterPort is the USB port that it is always in, so that /dev/serial/by-path stays the
// same over a re-plug.
const adapterPort = "1"

func (m *machine) serialLine() {
	m.serial = m.file("serial.sock")
	m.add("-chardev", "socket,id=ser,path="+m.serial+",server=on,wait=off")
}
