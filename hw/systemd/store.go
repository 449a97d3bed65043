package systemd

import (
	"errors"
	"fmt"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// maxName is FDNAME_MAX of systemd.
const maxName = 255

// ErrName means that a name cannot be a descriptor's name in the store.
var ErrName = errors.New("want 1 to 255 printable ASCII characters without a colon")

// Store hands a copy of f's descriptor to the manager, which keeps it over a crash, a kill
// and a restart of the unit (FDSTORE=1; needs FileDescriptorStoreMax= there). FDPOLL=0 keeps
// it also when polling it shows an error, as a GPIO request does; so a descriptor whose
// device is gone stays until StoreRemove. The manager keeps a descriptor that it already
// has under its first name. f remains the caller's.
func (n *Notifier) Store(name string, f *os.File) error {
	if err := checkName(name); err != nil {
		return err
	}
	if f == nil {
		return fmt.Errorf("store descriptor %q: %w", name, os.ErrClosed)
	}
	return n.sendFile("FDSTORE=1\nFDPOLL=0\nFDNAME="+name, f)
}

// StoreRemove makes the manager close every descriptor that it keeps under name. It may do
// so a moment after StoreRemove has returned.
func (n *Notifier) StoreRemove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return n.send("FDSTOREREMOVE=1\nFDNAME=" + name)
}

// Stored takes over the descriptors that the manager passed to this process, by name, and
// clears LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID (sd_listen_fds(3)). All are
// close-on-exec. Of several with one name the first is given and the rest are closed. The
// caller closes them; the manager keeps its own copies until StoreRemove. A second call
// gives nothing.
func Stored() map[string]*os.File {
	files := map[string]*os.File{}
	for _, f := range activation.Files(true) {
		if _, twice := files[f.Name()]; twice {
			_ = f.Close() // the manager still has it
			continue
		}
		files[f.Name()] = f
	}
	return files
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("descriptor name %q: %w", name, ErrName)
	}
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' || c == ':' {
			return fmt.Errorf("descriptor name %q: %w", name, ErrName)
		}
	}
	return nil
}

// Stored is the package's Stored, for a caller that holds a Notifier.
func (n *Notifier) Stored() map[string]*os.File { return Stored() }
