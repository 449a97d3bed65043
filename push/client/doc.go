// Package client is the device's end of the push protocol: it holds polls,
// acknowledges, answers and signs off over two warm TLS connections, with its
// own small HTTP/1.1. It takes a [Config] and gives words of package push; it
// never follows a redirect, never speaks without TLS, never skips a check of
// the other side, and never puts a key or a query string into a log or error.
package client
