package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Meta is what lab/prepare leaves beside the kernel, as meta.json.
type Meta struct {
	Kernel  string              `json:"kernel"`  // its version
	Guest   string              `json:"guest"`   // hash of the program inside
	Depends map[string][]string `json:"depends"` // module → it and all it needs, in the order of loading
}

func readMeta(cache string) (Meta, error) {
	var m Meta
	b, err := os.ReadFile(filepath.Join(cache, "meta.json"))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", errUnprepared, err)
	}
	return m, nil
}

var errUnprepared = errors.New("the lab is not prepared for this architecture: run make lab")

// renewLimit is for how long a start waits for lab/prepare: at worst that fetches and builds
// everything.
const renewLimit = 10 * time.Minute

// readCache keeps lab/prepare from renewing an architecture's folder until unlock. It waits
// while it is being renewed. lab/prepare holds the same lock alone.
func readCache(folder string, limit time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnprepared, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing it lets go
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", folder, err), f.Close())
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s is being renewed for more than %v", folder, limit), f.Close())
		}
	}
}
