package main

import (
	"strings"
	"testing"
	"time"
)

func TestRowWrapsEachCellInItsColumn(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"fits", "a\tb\tc\td\te\tf",
			"a           b            c                d            e               f\n"},
		{"words of the last column", "a\t\t\t\t\tsensed by the-flow-input",
			"a                                                                      sensed by\n" +
				"                                                                       the-flow-input\n"},
		{"just fits", "a\tb\t1234567 1234567\td",
			"a           b            1234567 1234567  d\n"},
		{"one too many", "a\tb\t1234567 123456 1\t-\te",
			"a           b            1234567 123456   -            e\n" +
				"                         1\n"},
		{"path alone on its line", "a\tb\tat /dev/serial/by-path/one two\tnow\tstart",
			"a           b            at               now          start\n" +
				"                         /dev/serial/by-path/one\n" +
				"                         two\n"},
		{"long name", "output\ta-name-of-22-characters\twhere\tnow",
			"output      a-name-of-22-characters\n" +
				"                         where            now\n"},
		{"last cell has the rest", "rule\t\t" + strings.Repeat("word ", 12) + "end",
			"rule                     " + strings.Repeat("word ", 10) + "word\n" +
				"                         word end\n"},
		{"more tabs than columns", "a\tb\tc\td\te\tf\tg", "a           b            c                d            e               f\tg\n"},
		{"nothing", "", ""},
	} {
		var k checker
		k.row(test.text)
		if got := k.table.String(); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", test.name, got, test.want)
		}
	}
}

func TestFillTakesWordsAsTheyAre(t *testing.T) {
	if got, want := fill("%: % of %", "a%", "100%", "%%"), "a%: 100% of %%"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := fill("plain"), "plain"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSpanHasNoEmptyParts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", time.Minute: "1m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		time.Hour: "1h", 20 * time.Hour: "20h", 61 * time.Minute: "1h1m", time.Hour + time.Second: "1h0m1s", 250 * time.Millisecond: "250ms",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: got %q, want %q", int64(d), got, want)
		}
	}
}
