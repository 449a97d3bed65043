// Package doctor tells what will bite on a box: it takes plain specs of lines,
// ports and files, reads the machine's file tree (/sys, /proc, /etc, /boot, the
// units and udev rules), and gives findings with the exact lines that help. It
// never opens a device, requests a line, sends a byte or guesses: what the tree
// does not show is said as "cannot tell". Only when it is allowed to, it writes:
// a hundred small blocks to a file of its own in the state dir, removed at once.
package doctor
