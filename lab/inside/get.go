package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// get prints what an HTTP server answers, headers too, to HOST:PORT/PATH.
func get(w io.Writer, url string) error {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := net.DialTimeout("tcp", host, 3*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // only read by then
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host); err != nil {
		return err
	}
	_, err = io.Copy(w, c)
	return err
}
