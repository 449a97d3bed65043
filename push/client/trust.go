package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// ErrClock says that the service's certificate is not valid yet: the box's
// clock is probably not set. It is transient; [Client.Pause] is short after it.
var ErrClock = errors.New("the clock is probably not set")

// errPin says that none of the pins fits; the remedy is in its text.
var errPin = errors.New("the service's key fits none of the pins")

// pinSet holds SHA-256 sums of public keys (RFC 7469, section 2.4).
type pinSet map[[sha256.Size]byte]bool

// verify wants one of the pins on the service's own certificate, the leaf,
// whose key the handshake has proved; a pin on a certificate above it does not
// count, since with pins alone nobody checks that chain.
func (p pinSet) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return fmt.Errorf("%w: it showed no certificate", errPin)
	}
	sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
	if p[sum] {
		return nil
	}
	return fmt.Errorf("%w: it is sha256/%s", errPin, base64.StdEncoding.EncodeToString(sum[:]))
}

// explain turns what crypto/tls says into a sentence that names the remedy.
// now is the clock that certificates were checked at.
func explain(err error, now func() time.Time) error {
	if err == nil {
		return nil
	}
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(record.RecordHeader[:]) == "HTTP/" {
			return fmt.Errorf("the service speaks plain HTTP on this port, want its TLS port: %w", err)
		}
		return fmt.Errorf("what answers on this port is not TLS: %w", err)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return explainTime(err, invalid.Cert, now())
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("nobody that we trust has signed the service's certificate; name its CA in ca_file or its key in pins: %w", err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return explainAlert(err, op.Err.Error())
	}
	return err
}

func explainTime(err error, cert *x509.Certificate, now time.Time) error {
	if cert != nil && now.Before(cert.NotBefore) {
		return fmt.Errorf("%w: here it is %s, the service's certificate is valid from %s",
			ErrClock, now.UTC().Format(time.RFC3339), cert.NotBefore.UTC().Format(time.RFC3339))
	}
	if cert != nil {
		return fmt.Errorf("the service's certificate ended at %s, here it is %s: %w",
			cert.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), err)
	}
	return err
}

// explainAlert goes by the text, since crypto/tls does not export its alerts.
func explainAlert(err error, alert string) error {
	switch {
	case strings.Contains(alert, "protocol version"):
		return fmt.Errorf("the service speaks no TLS as new as we want; tls_min = \"1.2\" allows the older one: %w", err)
	case strings.Contains(alert, "certificate required"), strings.Contains(alert, "bad certificate"),
		strings.Contains(alert, "unknown certificate authority"):
		return fmt.Errorf("the service wants another client certificate (client_cert, client_key): %w", err)
	case strings.Contains(alert, "application protocol"):
		return fmt.Errorf("the service does not speak HTTP/1.1: %w", err)
	}
	return err
}
