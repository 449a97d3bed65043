// Command wedge hangs one system call of a program for ever, as a broken driver or a
// broken network stack does, without a hook in that program:
//
//	wedge run CALL PROGRAM ARG...   in place of the program: filters CALL, then becomes it
//	wedge watch [-armed]            beside it, as root: lets every call through until told
//
// run installs a seccomp filter that asks the watcher about each CALL, and hands the
// listener over a unix socket; the program keeps its process id, its notify socket and
// its stored descriptors. The watcher says "listening", "armed", "held" and "released",
// a line each. SIGUSR1 arms it: the next CALL is held, or the one after it when it comes
// twice, and so on; all others go on. SIGUSR2 lets the held one go. It never answers a call
// itself: what is let go is done by the kernel.
package main
