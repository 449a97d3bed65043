package field

import (
	"fmt"
	"strings"

	"longarm/lab/guest"
)

// ConfigureVia writes the config anew like Configure, with these settings of [push] (url or
// urls, ca_file, pins) instead of the service's own address and pin.
func (b *Box) ConfigureVia(push, config string) {
	b.t.Helper()
	own := fmt.Sprintf("[push]\ncontainer = %q\nkey_file = %q\n%s\n", b.Container.ID, KeyFile, push)
	b.write(ConfigFile, own+strings.ReplaceAll(config, "CHIP", guest.PiChip().Label), 0o644)
}
