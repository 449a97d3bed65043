package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// fault prints err as a sentence that says what to do, and returns exitError,
// or exitRefused when the service refused what was asked in its present state.
func (c command) fault(a *api, err error) int {
	fmt.Fprintf(c.stderr, "longarm: %s\n", explain(a, err))
	if r, ok := errors.AsType[*refusal](err); ok && r.Status == http.StatusConflict {
		return exitRefused
	}
	return exitError
}

// explain is err in the words of somebody who wants to get on.
func explain(a *api, err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return explainRefusal(r)
	}
	if a == nil {
		return err.Error()
	}
	host := a.base.Host
	if pin, ok := errors.AsType[*wrongPinError](err); ok {
		return fmt.Sprintf("%s is not the service you pinned: %v. If its key was changed on purpose, take the new pin from tls.pin in its data directory.", host, pin)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("no certificate authority of this machine vouches for %s. For a self-signed certificate set LONGARM_PIN (or -pin) to tls.pin from the service's data directory.", host)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fmt.Sprintf("there is no host %q; is LONGARM_URL right?", dns.Name)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %s; is `longarm serve` running there?", host)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s did not answer in time", host)
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("reach %s: %v", host, u.Err)
	}
	return err.Error() // the service was reached
}

func explainRefusal(r *refusal) string {
	switch r.Status {
	case http.StatusUnauthorized:
		return "the service does not know this token; set LONGARM_TOKEN (or -token) to one that `longarm token ls` lists, or to admin.token from its data directory"
	case http.StatusForbidden:
		return "this token may not do that: " + first(r.Reason, "its role is too low")
	case http.StatusNotFound, http.StatusConflict, http.StatusBadRequest:
		if r.Reason != "" {
			return r.Reason
		}
	}
	return r.Error()
}
