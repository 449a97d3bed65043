package guest

import "path/filepath"

// raspi3b is QEMU's Raspberry Pi 3: the Pi's own GPIO controller, whose outputs can be read
// from outside and whose inputs cannot be moved. Memory and CPUs are the board's.
func (m *machine) raspi3b() {
	m.bin = "qemu-system-aarch64"
	m.add("-M", "raspi3b", "-dtb", filepath.Join(m.cache, "bcm2837-rpi-3-b.dtb"))
	// Its four CPUs spin until Linux starts them; one thread for all is twice as fast.
	m.add("-accel", "tcg,thread=single")
	// Linux gives UART0 to Bluetooth, so it has no node in /dev and can only be the
	// console; the mini UART carries the control channel.
	m.add("-serial", "chardev:con", "-serial", "chardev:ctl")
	m.console = "ttyAMA0 lab.tty=/dev/ttyS1"
	m.load("bcm2835_wdt")
	if !m.NoNet {
		m.load("dwc2", "cdc_ether", "rndis_host")
		m.add("-netdev", "user,id=net0", "-device", "usb-net,netdev=net0,id=nic0,mac=b8:27:eb:00:00:01")
	}
	if m.Serial == "usb" {
		m.load("dwc2", "ftdi_sio")
		m.serialLine()
		m.add("-device", adapter)
	}
}
