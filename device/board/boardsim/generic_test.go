package boardsim

import "testing"

func TestGeneric(t *testing.T) {
	const (
		coil, coilOff         = "01 05 00 00 FF 00 8C 3A", "01 05 00 00 00 00 CD CA"
		register, registerOff = "01 06 00 00 00 01 48 0A", "01 06 00 00 00 00 89 CA"
	)
	tell(t, "modbus-generic", 4, 1, Quirks{}, []told{
		{"coil", coil + coilOff, coil + coilOff, []string{"1 true", "1 false"}},
		{"register", register + registerOff, register + registerOff, []string{"1 true", "1 false"}},
		{"states", register + "01 01 00 00 00 04 3D C9" + "01 03 00 00 00 04 44 09",
			register + "01 01 01 01 90 48" + "01 03 08 00 01 00 00 00 00 00 00 85 17", []string{"1 true"}},
		{"no such coil", "01 05 00 04 FF 00 CD FB", "01 85 02 C3 51", nil},
		{"no such value", "01 06 00 00 00 02 08 0B", "01 86 03 02 61", nil},
		{"states that are not there", "01 01 00 01 00 04 6C 09", "01 81 02 C1 91", nil},
	})
	tell(t, "modbus-generic", 4, 1, Quirks{Silent: true}, []told{{"does not tell", register + "01 03 00 00 00 04 44 09", register, []string{"1 true"}}})
}
