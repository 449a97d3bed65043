package device
import ("testing";"fmt";"context")
func TestZZ(t *testing.T) { dbg = true; for s := range uint64(120) { fmt.Println("SEED", s); t.Run(fmt.Sprint(s), func(t *testing.T) { model2000(t, s+200) }) } }
var _ = fmt.Sprint
var _ = context.Background
