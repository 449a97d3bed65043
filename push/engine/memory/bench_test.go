package memory

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend is one durable write: alone, and with 32 writers that share the fsync.
func BenchmarkAppend(b *testing.B) {
	data := make([]byte, 400)
	for name, file := range map[string]bool{"memory": false, "file": true} {
		for _, writers := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", name, writers), func(b *testing.B) {
				e := New()
				if file {
					var err error
					if e, err = Open(filepath.Join(b.TempDir(), "engine"), Options{}); err != nil {
						b.Fatal(err)
					}
				}
				var next atomic.Int64
				b.SetParallelism(writers)
				b.RunParallel(func(pb *testing.PB) {
					subject, rev := fmt.Sprintf("w.%d", next.Add(1)), uint64(0)
					for pb.Next() {
						var err error
						if rev, err = e.Append(b.Context(), subject, data, rev); err != nil {
							b.Error(err)
							return
						}
					}
				})
				if err := e.Close(); err != nil {
					b.Error(err)
				}
			})
		}
	}
}
