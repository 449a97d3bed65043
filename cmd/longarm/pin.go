package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// pinPrefix names the hash of a pin: "sha256/" and the standard base64 of the
// SHA-256 of the certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4).
const pinPrefix = "sha256/"

// pinOf is the pin of a certificate's public key. It outlives the certificate
// as long as the key is kept.
func pinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// parsePins splits a list of pins at commas and spaces and checks each.
func parsePins(list string) ([]string, error) {
	pins := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	for _, pin := range pins {
		b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(pin, pinPrefix))
		if !strings.HasPrefix(pin, pinPrefix) || err != nil || len(b) != sha256.Size {
			return nil, fmt.Errorf("the pin %q is not of the form sha256/ and 44 base64 characters, as in tls.pin in the service's data directory", pin)
		}
	}
	return pins, nil
}

// wrongPinError says that the server's key is none of the pinned ones.
type wrongPinError struct {
	got  string
	want []string
}

func (e *wrongPinError) Error() string {
	return fmt.Sprintf("the server's key is %s, not the pinned %s", e.got, strings.Join(e.want, " or "))
}

// clientTLS is the TLS side of the client verbs: system roots, or pins, which
// replace chain, name and expiry (design.md section 4).
func clientTLS(pins []string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(pins) == 0 {
		return c
	}
	c.InsecureSkipVerify = true // the check is VerifyConnection, on resumed sessions too
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if got := pinOf(s.PeerCertificates[0]); !slices.Contains(pins, got) {
			return &wrongPinError{got, pins}
		}
		return nil
	}
	return c
}
