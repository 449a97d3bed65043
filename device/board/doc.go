// Package board speaks to serial relay boards: it takes a wire that carries
// bytes, drives the channels of the boards on it one frame at a time and says
// what each board proved. It opens no port itself, sends nothing before the
// first command or question, and never guesses a family: that comes from the
// config.
//
// # To add a family
//
// One file here, NAME.go: a Family and a dialect.
//
//   - The Family is a declaration: sizes, best proof, baud, address, gaps and
//     what the board can time by itself. Its row goes into families.
//   - A dialect has set and states; greet, timed, cancel and heard (dialect.go)
//     only where the family needs them. It is made anew for each connection, so
//     its fields are what is known of this connection.
//   - It speaks through a talk alone (talk.go): send, then read, until or
//     through; again around what may be said twice, never around timed. The talk
//     keeps the gaps and the limits, and knows whether anything was sent.
//   - set says "acked" only for an answer that the board alone can have made. A
//     board that says no is a refusal: then nothing moved. Any other error means
//     that it did not answer; the board is shown as gone until it does.
//   - A Modbus family embeds modbus (modbus.go) and asks something in greet: the
//     first answer also shows whether the adapter loops back what it is sent.
//   - Only absolute commands: no toggle, no broadcast, nothing in greet that
//     could move a relay.
//
// One file in boardsim, with a row there; the property test then covers it. One
// test file: the frames of the board's manual byte by byte, and a fuzz target
// of the parser. agent/config reads the Family, so it serves the driver at once.
package board
