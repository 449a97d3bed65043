// Package gpio takes a chip label and a line, and gives one output or one input of a Linux
// GPIO character device. It keeps levels over a restart and never causes an edge on
// adopting a line, never selects a chip by its number, and never touches a line that
// another process holds.
//
// Requests go through go-gpiocdev's uapi package, chips and names through go-gpiocdev
// itself. The descriptor of an output must be ours, since it lives on in systemd's
// descriptor store while the agent is restarted; that of an input, since a removed chip
// must be noticed. Both need version 2 of the kernel's GPIO interface (Linux 5.10).
package gpio
