package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The pin is of the key: it stays when only the certificate is lost or old.
func TestCertificateRenewal(t *testing.T) {
	dir := t.TempDir()
	s := serving{dir: dir}
	made, err := s.certificate()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, fileCert)); err != nil {
		t.Fatal(err)
	}
	again, err := s.certificate()
	if err != nil || pinOf(again.Leaf) != pinOf(made.Leaf) {
		t.Errorf("got %v, want a certificate with the same pin", err)
	}
	key, err := s.privateKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := selfSigned(key, "", time.Now().AddDate(-certYears, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	if old, err := x509.ParseCertificate(der); err != nil || time.Until(old.NotAfter) > certRoom {
		t.Fatalf("got %v, want a certificate at its end", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, fileCert), block, 0o644); err != nil {
		t.Fatal(err)
	}
	renewed, err := s.certificate()
	if err != nil || pinOf(renewed.Leaf) != pinOf(made.Leaf) || time.Until(renewed.Leaf.NotAfter) < certRoom {
		t.Errorf("got %v, want a renewed certificate with the same pin", err)
	}
	if err := os.Remove(filepath.Join(dir, fileKey)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileKey), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = s.certificate(); err == nil || !strings.Contains(err.Error(), "with a new pin") {
		t.Errorf("got %v, want a refusal that says what to remove", err)
	}
}

// writeFile leaves no half file behind, and says where it failed.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, content := range []string{"one", "two"} {
		if err := writeFile(path, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if err != nil || string(b) != "two" || info.Mode().Perm() != 0o640 {
		t.Errorf("got %q, %v, %v; want two, 0640", b, info.Mode(), err)
	}
	if err := writeFile(filepath.Join(dir, "no", "x"), "", 0o600); err == nil {
		t.Error("got no error for a directory that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "taken"), "", 0o600); err == nil {
		t.Error("got no error for a name that is a directory")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("got %q left behind, want nothing", left)
	}
}

func TestPins(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := selfSigned(key, "h", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pin := pinOf(cert)
	for _, list := range []string{pin, pin + ", " + pin, " " + pin + "\n"} {
		if pins, err := parsePins(list); err != nil || len(pins) == 0 || pins[0] != pin {
			t.Errorf("%q: got %q, %v; want %s", list, pins, err, pin)
		}
	}
	for _, list := range []string{"x", "sha256/", pin + "A", strings.TrimPrefix(pin, pinPrefix), "sha1/" + strings.TrimPrefix(pin, pinPrefix)} {
		if pins, err := parsePins(list); err == nil {
			t.Errorf("%q: got %q, want a refusal", list, pins)
		}
	}
}
