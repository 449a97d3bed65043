// Package service is the service's end of the push protocol: it takes polls, acknowledgements and results of containers
// and calls of operators, keeps both in an Engine, and tells who is there. It never opens a socket or a file, never
// decides by anything but a compare-and-set, and never logs a key, a token or a query string.
package service
