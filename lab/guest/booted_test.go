package guest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"longarm/lab/wire"
)

// The adapter is found by the same path after it was pulled and put back, and bytes pass.
func TestAdapterComesBackByPath(t *testing.T) {
	chip := PiChip()
	chip.Pulls = map[int]int{27: 1}
	g := boot(t, Options{Booted: true, Serial: "usb", Chips: []wire.Chip{chip}, Files: []File{{Path: "/usr/local/bin/hi", Data: []byte("#!/bin/sh\necho hi\n"), Mode: 0o755}}})
	if v, err := g.Value("GPIO27"); v != 1 || err != nil {
		t.Errorf("the pulled-up line is %d, %v", v, err)
	}
	if out := sh(t, g, "hi"); out != "hi\n" {
		t.Errorf("the late file prints %q", out)
	}
	const paths = "ls /dev/serial/by-path/ 2>/dev/null"
	look := func() string { out, _, _ := g.Run("/bin/sh", "-c", paths); return strings.TrimSpace(out) }
	eventually(t, g, "the adapter's path", 20*time.Second, func() bool { return look() != "" })
	first := look()
	for range 2 {
		if err := g.UnplugSerial(); err != nil {
			t.Fatal(err)
		}
		eventually(t, g, "the adapter goes", 10*time.Second, func() bool { return look() == "" })
		if err := g.PlugSerial(); err != nil {
			t.Fatal(err)
		}
		eventually(t, g, "the adapter is back", 20*time.Second, func() bool { return look() != "" })
		if again := look(); again != first {
			t.Errorf("the path was %s and is %s", first, again)
		}
	}
	figure(t, first)
	conn, err := g.DialSerial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	dev := "/dev/serial/by-path/" + first
	sh(t, g, "stty raw -echo < "+dev+"; (read -r l; echo $l back) < "+dev+" > "+dev+" & ")
	if _, err := fmt.Fprintln(conn, "there and"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "there and back\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

// The cable can be pulled, and the path can swallow everything while the cable is in.
func TestNetworkGoesAndComes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := boot(t, Options{Booted: true})
	carrier := func() string { return strings.TrimSpace(sh(t, g, "cat /sys/class/net/eth0/carrier")) }
	for _, up := range []bool{false, true} {
		if err := g.SetLink(up); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "0", true: "1"}[up]
		eventually(t, g, "carrier "+want, 10*time.Second, func() bool { return carrier() == want })
	}
	var heard output
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := g.Spawn(&heard, &heard, nil, "/bin/bash", "-c",
		fmt.Sprintf("exec 3<>/dev/tcp/10.0.2.2/%d; echo open >&3; while read -r w <&3; do echo $w; echo re-$w >&3; done", port)); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := make(chan string, 10)
	go func() {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			answers <- lines.Text()
		}
	}()
	if got := <-answers; got != "open" {
		t.Fatalf("got %q", got)
	}
	for i := range 2 { // it can be done twice
		word := fmt.Sprintf("word%d", i)
		if err := g.BlackHole(true); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(conn, word)
		// Some retransmissions long: the span is what is tried.
		select {
		case got := <-answers:
			t.Errorf("%q came through the hole", got)
		case <-time.After(1500 * time.Millisecond):
		}
		if strings.Contains(heard.String(), word) || carrier() != "1" {
			t.Errorf("in the hole the guest hears %q, carrier %s", heard.String(), carrier())
		}
		if err := g.BlackHole(false); err != nil {
			t.Fatal(err)
		}
		select { // TCP sends it again
		case got := <-answers:
			if got != "re-"+word {
				t.Errorf("got %q", got)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing after the hole")
		}
	}
	if got := heard.String(); got != "word0\nword1\n" {
		t.Errorf("the guest heard %q, want each word once", got)
	}
}
