// Package guest boots the lab's machines, a Debian kernel in QEMU with simulated GPIO
// chips, and drives them from outside: it runs programs in them, moves inputs, watches
// outputs, plays the other end of their serial line, pulls plugs and cables. It takes all
// it needs from the cache that lab/prepare fills, never installs anything, and leaves
// neither process nor file behind after Close.
package guest
