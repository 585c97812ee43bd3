package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"testing"
)

// checkProfile checks that a CPU profile can be read: it is a gzipped protocol buffer whose fields
// are all well formed, with samples (field 2) and locations (field 4) in it.
func checkProfile(t *testing.T, profile []byte) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		t.Fatalf("CPU profile of %d bytes: %v", len(profile), err)
	}
	message, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[uint64]int{}
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		value, m := uint64(0), 0
		if n > 0 {
			value, m = binary.Uvarint(message[n:])
		}
		if n <= 0 || m <= 0 {
			t.Fatalf("CPU profile: no number %d bytes before its end", len(message))
		}
		message = message[n+m:]
		switch key & 7 {
		case 0:
		case 2:
			if value > uint64(len(message)) {
				t.Fatalf("CPU profile: field of %d bytes, %d left", value, len(message))
			}
			message = message[value:]
		default:
			t.Fatalf("CPU profile: wire type %d", key&7)
		}
		counts[key>>3]++
	}
	if counts[2] == 0 || counts[4] == 0 {
		t.Errorf("CPU profile: %d samples, %d locations", counts[2], counts[4])
	}
}
