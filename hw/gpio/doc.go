// Package gpio takes a chip label and a line, and gives one output or one input of a Linux
// GPIO character device. It keeps levels over a restart and never causes an edge on
// adopting a line, never selects a chip by its number, and never touches a line that
// another process holds.
//
// Outputs go through go-gpiocdev's uapi package, because their request descriptor must be
// ours: it lives on in systemd's descriptor store while the agent is restarted. Inputs go
// through go-gpiocdev itself. Both need version 2 of the kernel's GPIO interface (Linux 5.10).
package gpio
