package cpio

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func archive(t *testing.T, fill func(*Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sample(w *Writer) {
	w.CharDev("dev/console", 0o600, 5, 1)
	w.Dir("/proc/")
	w.Dir("proc")
	w.File("/usr/bin/a", 0o755, []byte("hello"))
	w.File("usr/bin/empty", 0o600, nil)
	w.Link("bin", "usr/bin")
}

// The cpio program reads what we write.
func TestCpioReadsIt(t *testing.T) {
	if _, err := exec.LookPath("cpio"); err != nil {
		t.Skip("left out: it needs the program cpio")
	}
	c := exec.Command("cpio", "-itvn", "--quiet")
	c.Stdin = bytes.NewReader(archive(t, sample))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line) // mode links uid gid size|major, minor month day year name
		got = append(got, strings.Join(append(f[:1], f[4:]...), " "))
	}
	const epoch = " Jan 1 1970 "
	want := []string{
		"drwxr-xr-x 0" + epoch + "dev",
		"crw------- 5, 1" + epoch + "dev/console",
		"drwxr-xr-x 0" + epoch + "proc",
		"drwxr-xr-x 0" + epoch + "usr",
		"drwxr-xr-x 0" + epoch + "usr/bin",
		"-rwxr-xr-x 5" + epoch + "usr/bin/a",
		"-rw------- 0" + epoch + "usr/bin/empty",
		"lrwxrwxrwx 7" + epoch + "bin -> usr/bin",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("cpio lists\n%s\nwant\n%s", g, w)
	}
}

// One entry, byte by byte (buffer-format.rst).
func TestBytes(t *testing.T) {
	got := archive(t, func(w *Writer) { w.File("a", 0o644, []byte("xyz")) })
	zeros := strings.Repeat("00000000", 4)
	want := "070701" + "00000001" + "000081A4" + "0000000000000000" + "00000001" + "00000000" + "00000003" + zeros +
		"00000002" + "00000000" + "a\x00" + "xyz\x00" +
		"070701" + "00000001" + "00000000" + "0000000000000000" + "00000001" + "00000000" + "00000000" + zeros +
		"0000000B" + "00000000" + "TRAILER!!!\x00"
	if len(got) != 512 || strings.TrimRight(string(got), "\x00") != strings.TrimRight(want, "\x00") {
		t.Errorf("%d bytes\n%q\nwant 512\n%q", len(got), bytes.TrimRight(got, "\x00"), want)
	}
}

type broken struct{ n int }

func (b *broken) Write(p []byte) (int, error) {
	if b.n++; b.n > 2 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

func TestFirstFaultIsCloses(t *testing.T) {
	b := &broken{}
	w := NewWriter(b)
	sample(w)
	if err := w.Close(); err == nil || err.Error() != "full" || b.n != 3 {
		t.Errorf("error %v after %d writes, want the third's", err, b.n)
	}
}
