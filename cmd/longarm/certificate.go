package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	fileCert = "tls.crt"
	fileKey  = "tls.key"

	certYears = 10
	certRoom  = 30 * 24 * time.Hour // a self-signed certificate is renewed this long before its end
)

// certificate is the one that the flags name, else the self-signed one in the
// data directory. A pin is of the key, so the key is kept as long as it is
// there: only the certificate around it is made anew when it is missing or at
// its end.
func (s *serving) certificate() (tls.Certificate, error) {
	if s.cert != "" {
		return loadPair(s.cert, s.key)
	}
	cert, err := loadPair(s.path(fileCert), s.path(fileKey))
	if err == nil && time.Until(cert.Leaf.NotAfter) > certRoom {
		return cert, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cert, fmt.Errorf("%w; repair it, or remove %s and %s to have new ones made, with a new pin", err, s.path(fileCert), s.path(fileKey))
	}
	key, err := s.privateKey()
	if err != nil {
		return cert, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	der, err := selfSigned(key, host, time.Now())
	if err != nil {
		return cert, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := writeFile(s.path(fileCert), string(block), 0o644); err != nil {
		return cert, err
	}
	return loadPair(s.path(fileCert), s.path(fileKey))
}

func loadPair(cert, key string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("load the certificate %s with the key %s: %w", cert, key, err)
	}
	return pair, nil
}

// privateKey is the key in the data directory, made when there is none.
func (s *serving) privateKey() (crypto.Signer, error) {
	path := s.path(fileKey)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the certificate's key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM key", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key in %s cannot sign", path)
	}
	return signer, nil
}

func newKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return key, writeFile(path, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), 0o600)
}

// selfSigned makes a certificate for this machine's names, valid from the day
// before now: a box without a clock may be a little behind. host may be "".
func selfSigned(key crypto.Signer, host string, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	names := []string{"localhost"}
	if host != "" && host != "localhost" {
		names = append(names, host)
	}
	c := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Longarm push service"},
		NotBefore:             now.AddDate(0, 0, -1),
		NotAfter:              now.AddDate(certYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate: %w", err)
	}
	return der, nil
}
