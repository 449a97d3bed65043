package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"longarm/agent/journal"
)

const (
	runDir      = "/run/longarm"
	reasonFile  = runDir + "/reason"  // written by packaging or the box before it stops us
	requestFile = runDir + "/request" // read by a root-owned path unit
)

// stopReason is what the box says about the coming stop, or "".
func stopReason() string {
	text, err := os.ReadFile(reasonFile)
	if err != nil || len(text) > 256 {
		return ""
	}
	reason := strings.TrimSpace(string(text))
	for _, r := range reason {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return ""
		}
	}
	return reason
}

// forgetReason takes away what was meant for the stop of the last run, or the
// next one would give it again.
func forgetReason(log *slog.Logger) {
	if err := os.Remove(reasonFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("old stop reason not removed", "err", err)
	}
}

// request asks the box for "reboot" or "poweroff". The agent has no right to
// do either itself.
func request(action string) error {
	temp := filepath.Join(runDir, ".request")
	if err := os.MkdirAll(runDir, 0o755); err != nil { // systemd's RuntimeDirectory, where there is systemd
		return fmt.Errorf("ask for %s: %w", action, err)
	}
	if err := os.WriteFile(temp, []byte(action+"\n"), 0o644); err != nil {
		return fmt.Errorf("ask for %s: %w", action, err)
	}
	if err := os.Rename(temp, requestFile); err != nil {
		return fmt.Errorf("ask for %s: %w", action, err)
	}
	return nil
}

// instance is this box's random name, kept in the state dir, by which the
// service notices two boxes with one key. While the state dir can't be written
// the count of starts isn't kept either, and the service would take this run's
// polls for late ones of the run that signed off: a new name is heard at once.
func instance(j *journal.Journal) (string, error) {
	if broken := j.Degraded(); broken != nil {
		return randomName(), fmt.Errorf("keep the instance: %w", broken)
	}
	if id, ok := j.Get("instance"); ok && id != "" {
		return id, nil
	}
	id := randomName()
	if err := j.Set("instance", id); err != nil {
		return id, fmt.Errorf("keep the instance: %w", err)
	}
	return id, nil
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return hex.EncodeToString(b[:])
}
