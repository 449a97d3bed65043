// Package field is a box in the field, for the lab's trials: a guest with the agent put
// where its package puts it, and the push service that it calls, a real `longarm serve` on
// the host's loopback. Everything that a trial wants to see is read from outside: the
// kernel's trace of the lines, systemd's own words, the service's operator API. It never
// waits for a fixed time.
package field
