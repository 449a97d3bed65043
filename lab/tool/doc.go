// Tool is the lab's command line, which lab/prepare builds and calls.
//
//	lab initramfs DIR KERNEL GPIOSIM INSIDE BUSYBOX   pack base.cpio and meta.json into DIR
//	lab booted ARCH                                   save a machine with systemd, booted
//	lab run [flags] BINARY [ARG...]                   boot, run one program, give back its output and exit code
//	lab sh  [flags] COMMAND                           the same with a shell command in the guest
//
// It never installs or fetches anything: lab/prepare does.
//
// Exit code 125 is the lab's own failure, 124 that the program took too long.
package main
