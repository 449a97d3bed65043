package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"longarm/hw/clock"
	"longarm/push"
	"longarm/push/client"
)

// The roles of child processes that are clients of the rig. Their words are
// URL, CA file, key file and container.
const (
	rolePollOurs    = "poll-ours"
	rolePollNetHTTP = "poll-nethttp"
	roleFresh       = "fresh"
)

func clientConfig(words []string) (client.Config, error) {
	if len(words) != 4 {
		return client.Config{}, errors.New("want URL, CA file, key file, container")
	}
	return client.Config{URLs: words[:1], CAFile: words[1], KeyFile: words[2], Container: words[3]}, nil
}

// pollOurs polls with push/client and prints when each call had been decoded.
func pollOurs(ctx context.Context, c command, words []string) error {
	cfg, err := clientConfig(words)
	if err != nil {
		return err
	}
	link, err := client.New(cfg, client.Options{})
	if err != nil {
		return err
	}
	defer link.Close()
	for n := uint64(1); ; n++ {
		call, err := link.Poll(ctx, n)
		at := clock.Monotonic()
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, at.Nanoseconds(), call.MessageID)
	}
}

// pollNetHTTP is the same loop on the standard library's client.
func pollNetHTTP(ctx context.Context, c command, words []string) error {
	cfg, err := clientConfig(words)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return err
	}
	key, err := readLine(cfg.KeyFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	h := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}}}
	for n := uint64(1); ; n++ {
		call, err := pollOnceNetHTTP(ctx, h, cfg, key, n)
		at := clock.Monotonic()
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, at.Nanoseconds(), call.MessageID)
	}
}

func pollOnceNetHTTP(ctx context.Context, h *http.Client, cfg client.Config, key string, n uint64) (push.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, push.PollLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.URLs[0]+push.PollPath(cfg.Container), nil)
	if err != nil {
		return push.Call{}, err
	}
	req.Header.Set(push.HeaderKey, key)
	req.Header.Set(push.HeaderPoll, strconv.FormatUint(n, 10))
	req.Header.Set(push.HeaderDedupe, "1")
	resp, err := h.Do(req)
	if err != nil {
		return push.Call{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, push.MaxBody))
	if err != nil {
		return push.Call{}, err
	}
	call, ok, err := push.ParsePoll(resp.StatusCode, body)
	if err == nil && !ok {
		err = push.ErrIdle
	}
	return call, err
}

// signOffFresh signs off over a connection that it has yet to make, each time
// a line is read: nothing is resumed, since each time has a client of its own.
func signOffFresh(ctx context.Context, c command, words []string) error {
	cfg, err := clientConfig(words)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	for n := uint64(1); ; n++ {
		link, err := client.New(cfg, client.Options{})
		if err != nil {
			return err
		}
		link.ArmSignOff(powerFailReason, n)
		fmt.Fprintln(c.stdout, "ready")
		if _, err := in.ReadString('\n'); err != nil {
			return err
		}
		if err := link.SignOff(ctx, powerFailReason, n); err != nil {
			return err
		}
		_ = link.Close() // the next one is fresh
	}
}

// powerFailReason is the agent's own word for it.
const powerFailReason = "power-fail"

// stamp reads the time and the call that a poller printed.
func stamp(line string) (at time.Duration, id string, err error) {
	number, id, _ := strings.Cut(line, " ")
	ns, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("a poller's line: %w", err)
	}
	return time.Duration(ns), id, nil
}
