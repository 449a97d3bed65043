package guest

// SetLink plugs the network cable in or out; the guest sees its carrier go.
func (g *Guest) SetLink(up bool) error {
	_, err := g.QMP("set_link", map[string]any{"name": "nic0", "up": up})
	return err
}

// BlackHole lets every packet vanish, both ways, while the cable stays in: what a dead
// router looks like. Nothing that was sent meanwhile arrives later, but for what TCP, in
// the guest or in QEMU, sends again. It is on or off; a second "on" is an error.
//
// QEMU 7.2 has no filter that drops, so a redirector leads into a null device. A
// filter-buffer would do as well but flushes all that it kept when it is taken away.
func (g *Guest) BlackHole(on bool) error {
	const hole, nowhere = "hole", "nowhere"
	if !on {
		if _, err := g.QMP("object-del", map[string]any{"id": hole}); err != nil {
			return err
		}
		_, err := g.QMP("chardev-remove", map[string]any{"id": nowhere})
		return err
	}
	null := map[string]any{"type": "null", "data": map[string]any{}}
	if _, err := g.QMP("chardev-add", map[string]any{"id": nowhere, "backend": null}); err != nil {
		return err
	}
	_, err := g.QMP("object-add", map[string]any{"qom-type": "filter-redirector", "id": hole,
		"netdev": "net0", "queue": "all", "outdev": nowhere})
	return err
}
