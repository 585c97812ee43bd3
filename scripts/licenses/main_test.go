package main

import "testing"

func TestAccepted(t *testing.T) {
	for expression, want := range map[string]bool{
		"MIT":                            true,
		"MIT OR Apache-2.0":              true,
		"Apache-2.0 / MIT":               true,
		"GPL-3.0 OR Zlib":                true,
		"Apache-2.0 WITH LLVM-exception": true,
		"GPL-3.0":                        false,
		"MIT AND MPL-2.0":                false,
		"MPL-2.0 OR GPL-3.0 ":            false,
		"":                               false,
	} {
		if got := accepted(expression); got != want {
			t.Errorf("%q: accepted %t, expected %t", expression, got, want)
		}
	}
}

func TestTidy(t *testing.T) {
	if got, want := tidy("\n\r\na \r\n b\t\n\n"), "a\n b\n"; got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}
