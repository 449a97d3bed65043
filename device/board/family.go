package board

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Family is one kind of board: what the config's `driver` names.
type Family struct {
	Name     string
	Channels int           // the most that one board has
	Proof    string        // the best that it can prove: "sent", "acked" or "readback"
	Baud     int           // unless the config says otherwise
	Gap      time.Duration // between two frames to one board

	set    func(channel int, active bool) []byte
	ask    []byte // nil: it has no status
	states func(reply []byte, channels int) (active []bool, whole bool)
	answer func(channels int) time.Duration // how long a whole status may take
}

var families = []Family{lcus}

// Families are all families, by name.
func Families() []Family { return slices.Clone(families) }

// Find gives the family of a driver name; the error lists the names.
func Find(driver string) (Family, error) {
	var names []string
	for _, f := range families {
		if f.Name == driver {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Family{}, fmt.Errorf("board driver %q: want %s", driver, strings.Join(names, ", "))
}
