package guest

import (
	"net"
	"time"
)

// DialSerial connects to the host end of the serial line. The line has no baud rate.
func (g *Guest) DialSerial() (net.Conn, error) { return net.Dial("unix", g.SerialAt) }

// UnplugSerial pulls the USB serial adapter out. The guest sees it some 30 ms later.
func (g *Guest) UnplugSerial() error {
	_, err := g.QMP("device_del", map[string]any{"id": "ser0"})
	return err
}

// PlugSerial puts it in, always at the same port. The guest has its node half a second
// later. QEMU lets go of an unplugged adapter only a moment after UnplugSerial, so it is
// tried again for a while.
func (g *Guest) PlugSerial() error {
	args := map[string]any{"driver": "usb-serial", "bus": "xhci.0", "port": adapterPort,
		"chardev": "ser", "id": "ser0", "always-plugged": true}
	var refused error
	err := g.again("plug the serial adapter in", 20*time.Millisecond, 5*time.Second, func() (bool, error) {
		_, refused = g.QMP("device_add", args)
		return refused == nil, nil
	})
	if refused != nil {
		return refused
	}
	return err
}
