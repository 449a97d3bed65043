package field

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// Disk is a disk with a write cache that forgets. What the guest wrote is on it for good
// only after the guest asked for a flush; at a power cut any part of the rest may be on it
// or not, sector by sector and in no order, as with a real disk or SD card. It is kept in
// memory and served to QEMU as a network block device, one guest at a time. What it does
// not do is harm sectors that were written before.
type Disk struct {
	// At is the image for guest.Options.Data.
	At string

	mu     sync.Mutex
	now    []byte       // as the guest sees it
	kept   []byte       // as it would be found after a cut, but for dirty
	dirty  map[int]bool // sectors written since the last flush
	served sync.WaitGroup
}

// NewDisk serves a copy of a raw image until t ends.
func NewDisk(t testing.TB, image string) *Disk {
	t.Helper()
	b, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{now: b, kept: slices.Clone(b), dirty: map[int]bool{}}
	socket := filepath.Join(t.TempDir(), "disk.sock")
	d.At = "nbd+unix:///?socket=" + socket
	d.listen(t, socket)
	return d
}

// Cut is the power cut, after the guest was killed: of what was not flushed each sector is
// there or not. It tells how many were lost of how many.
func (d *Disk) Cut(r *rand.Rand) (lost, unsure int) {
	d.served.Wait() // what QEMU had sent is written
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range slices.Sorted(maps.Keys(d.dirty)) { // in order, so that a seed repeats
		if r.IntN(2) == 0 {
			copy(d.kept[s*sector:(s+1)*sector], d.now[s*sector:])
		} else {
			lost++
		}
	}
	unsure = len(d.dirty)
	d.now = slices.Clone(d.kept)
	clear(d.dirty)
	return lost, unsure
}

// Save writes the disk as it is found after a cut into a file.
func (d *Disk) Save(t testing.TB, name string) {
	t.Helper()
	d.served.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := os.WriteFile(name, d.kept, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *Disk) within(offset uint64, length int) bool {
	return offset <= uint64(len(d.now)) && length >= 0 && uint64(length) <= uint64(len(d.now))-offset
}

func (d *Disk) read(offset uint64, into []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(into, d.now[offset:])
}

func (d *Disk) write(offset uint64, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.now[offset:], data)
	for s := int(offset) / sector; s*sector < int(offset)+len(data); s++ {
		d.dirty[s] = true
	}
}

func (d *Disk) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.dirty {
		copy(d.kept[s*sector:(s+1)*sector], d.now[s*sector:])
	}
	clear(d.dirty)
}
