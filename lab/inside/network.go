package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// ethUp brings the network card of a mini guest up, which QEMU's user network expects at
// this address.
func ethUp() error {
	const card = "eth0"
	until(time.Second, 5*time.Millisecond, func() bool { _, err := net.InterfaceByName(card); return err == nil })
	if err := ifUp(card, "10.0.2.15", "255.255.255.0"); err != nil {
		return err
	}
	return addDefaultRoute(card, "10.0.2.2")
}

// ifUp sets an interface up with the old ioctls (netdevice(7)), so that no ip(8) is needed.
func ifUp(name, addr, mask string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	for _, set := range []struct {
		req uint
		ip  string
	}{{unix.SIOCSIFADDR, addr}, {unix.SIOCSIFNETMASK, mask}} {
		if err := r.SetInet4Addr(net.ParseIP(set.ip).To4()); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(s, set.req, r); err != nil {
			return fmt.Errorf("set %s: %w", set.ip, err)
		}
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}

// addDefaultRoute speaks rtnetlink(7).
func addDefaultRoute(card, gateway string) error {
	ifi, err := net.InterfaceByName(card)
	if err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	if err := unix.Sendto(s, newRoute(ifi.Index, net.ParseIP(gateway).To4()), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(s, answer, 0)
	if err != nil {
		return err
	}
	if n < 20 {
		return fmt.Errorf("an answer of %d bytes", n)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[16:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// newRoute is RTM_NEWROUTE: the default by way of gateway.
func newRoute(index int, gateway net.IP) []byte {
	const size = 16 + 12 + 8 + 8
	n := binary.NativeEndian
	b := n.AppendUint32(nil, size)
	b = n.AppendUint16(b, unix.RTM_NEWROUTE)
	b = n.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_ACK)
	b = append(b, make([]byte, 8)...) // sequence, port
	b = append(b, unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST)
	b = n.AppendUint32(b, 0) // flags
	b = n.AppendUint16(n.AppendUint16(b, 8), unix.RTA_GATEWAY)
	b = append(b, gateway...)
	b = n.AppendUint16(n.AppendUint16(b, 8), unix.RTA_OIF)
	return n.AppendUint32(b, uint32(index))
}
