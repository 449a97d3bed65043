// Package agent is the long-running program of the box: it holds the poll,
// acknowledges and acts on calls, remembers them in the journal, reports
// results, feeds the watchdog and signs off. It reaches the service through a
// [Link] and the hardware through a device.Box; it never opens a device, a
// socket or a config file itself.
package agent
