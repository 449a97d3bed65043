// Package device is the box as its owner sees it: it takes commands ("router
// cycle 10s"), checks them against the limits of each output, moves lines and
// says what was proved. It never opens hardware itself, never waits for a disk
// while a line waits, and never leaves a pulse, a lease or a cycle unfinished.
package device
