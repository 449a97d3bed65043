package board

import (
	"errors"
	"fmt"
	"time"
)

// waveshare is Waveshare's Modbus RTU relays, protocol V2 and later (hardware.md
// 1.9). Boards from before September 2021 speak V1, whose answers are not
// Modbus: they are refused.
var waveshare = Family{
	Name: "waveshare", Boards: "Waveshare Modbus RTU Relay, protocol V2 and later", Sizes: []int{4, 8, 16, 32},
	Proof: Readback, Baud: 9600, Parity: "none", Unit: 1, Bus: true, Settle: 50 * time.Millisecond, Reopen: true,
	Timer: Timer{Active: true, Inactive: true, Step: waveshareStep, Longest: 0x7FFF * waveshareStep},
	speak: func(s Spec) dialect {
		return &waveshares{modbus{byte(s.Unit), 300 * time.Millisecond}, s.Channels}
	},
}

const (
	waveshareStep     = 100 * time.Millisecond
	waveshareFlashOn  = 0x0200 // coil of channel 1: on, then off by itself
	waveshareFlashOff = 0x0400
	waveshareModes    = 0x1000 // register of channel 1; 0 = moved by commands alone
	waveshareVersion  = 0x8000 // register: 200 is V2.00
)

type waveshares struct {
	modbus
	channels int
}

// greet reads the version, and the mode of each channel where a board has such.
func (w *waveshares) greet(t *talk) error {
	version, err := w.registers(t, waveshareVersion, 1)
	switch {
	case err != nil:
		return fmt.Errorf("ask for the version, which protocol V2 and later tells: %w", err)
	case version[0] < 200:
		return refusal(fmt.Sprintf("it speaks protocol V%d.%02d, want V2 or later", version[0]/100, version[0]%100))
	}
	modes, err := w.registers(t, waveshareModes, w.channels) // a board without inputs has none, and says so or nothing
	if t.silent(err) && !errors.Is(err, errSilent) {
		return err
	}
	for i, m := range modes {
		if m != 0 {
			return refusal(fmt.Sprintf("channel %d is moved by its input (mode %d), want mode 0", i+1, m))
		}
	}
	return nil
}

func (w *waveshares) set(t *talk, channel int, active bool) (string, error) {
	value := uint16(0)
	if active {
		value = coilOn
	}
	return w.write(t, writeCoil, uint16(channel-1), value)
}

func (w *waveshares) states(t *talk) ([]level, error) {
	on, err := w.coils(t, 0, w.channels)
	return levelsOf(on), err
}

// timed writes the width in steps, which is no value of a coil, to one.
func (w *waveshares) timed(t *talk, channel int, active bool, kept time.Duration) (string, error) {
	coil := uint16(waveshareFlashOff)
	if active {
		coil = waveshareFlashOn
	}
	return w.write(t, writeCoil, coil+uint16(channel-1), uint16(kept/waveshareStep))
}
