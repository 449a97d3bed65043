package serial

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
)

func TestCheck(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	link := filepath.Join(t.TempDir(), "board")
	if err := os.Symlink(slave.Name(), link); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"a pty":             {slave.Name(), nil},
		"a link to a pty":   {link, nil},
		"not there":         {link + "x", fs.ErrNotExist},
		"a file":            {os.Args[0], ErrNotTTY},
		"another character": {"/dev/null", ErrNotTTY},
	} {
		if err := Check(c.path); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
