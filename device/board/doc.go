// Package board speaks to serial relay boards: it takes a wire that carries
// bytes, drives the board's channels one frame at a time and says what the
// board proved. It opens no port itself, sends nothing before the first
// command or question, and never guesses a family: that comes from the config.
package board
