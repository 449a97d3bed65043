// Inside is everything of ours in a lab guest: PID 1 of the initramfs, which makes the
// simulated GPIO chips, and the server that the host talks to. In mode "mini" PID 1 stays
// and starts itself again as the server; in mode "systemd" it makes way for systemd, where
// the server is a unit that is written to /run only, so that the root holds no trace of it.
// It judges nothing and never moves a line unless it is told to.
//
//	labguest            PID 1, else the server
//	labguest get URL    prints what an HTTP server answers
package main
