// Package config takes the agent's TOML file and turns it into the plain specs
// that device and push/client define, with every fault of the file at once,
// each with its line; it never opens a line, a port or the files that the file
// names, never guesses what was meant and never repeats a key it was given.
package config
