package device
import ("testing";"fmt")
func TestZZ(t *testing.T) { for s := range uint64(300) { t.Run(fmt.Sprint(s), func(t *testing.T) { model2000(t, s+10) }) } }
