// Package boardsim is relay boards made of memory that speak their families'
// bytes: it takes what a port would send to them, moves relays that nobody can
// touch and answers as the boards do, quirks included, behind a pty or over a
// Cable. It shares no code with the drivers that it tests, opens nothing, and
// is never part of the agent.
//
// # To add a family
//
// One file, NAME.go: a model whose eat takes whole frames from the front of
// what came in and gives back the rest. For a command it asks obeys, then moves
// relays with set or timed; for a question it answers with reply, the levels
// from status. A Modbus family is a modbusUnit with its own addresses
// (modbus.go). Then a row in models.
package boardsim
