//go:build linux && amd64 && !gowasmer_static

package refusals

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Programs whose image of the engine is another than the Go code was made for, or damaged: the test
// binary with some bytes changed.

func TestOtherImages(t *testing.T) {
	image, err := os.ReadFile("../../internal/image/image_amd64.bin")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(program, image)
	if len(image) == 0 || start < 0 {
		t.Skip("the test binary has no image")
	}
	table := bytes.Index(image, []byte("gwasmer1"))
	if table < 0 {
		t.Fatal("the image has no table")
	}
	le := binary.LittleEndian
	abi := le.Uint64(image[table+8:])
	for name, c := range map[string]struct {
		at    int
		bytes []byte
		texts []string
	}{
		"ABI number":         {table + 8, le.AppendUint64(nil, abi+1), []string{"ABI version", fmt.Sprint(abi), fmt.Sprint(abi + 1), "go mod tidy"}},
		"size of heads":      {table + 16, le.AppendUint64(nil, 4096), []string{"size of heads 4096, expected"}},
		"size of stacks":     {table + 24, le.AppendUint64(nil, 1), []string{"size of stacks 1, expected"}},
		"table":              {table, []byte("nothing!"), []string{"its table begins with"}},
		"another machine":    {18, []byte{183}, []string{"machine 183", "amd64"}},
		"no file":            {0, make([]byte, 64), []string{"no ELF file"}},
		"no place for table": {24, []byte{1}, []string{"is no place for a table"}},
		"huge segment":       {64 + 56 + 40, le.AppendUint64(nil, 1<<40), []string{"segment 0"}},
		"all writable":       {64 + 2*56 + 4, []byte{7}, []string{"writable and executable"}},
		"cut":                {64 + 2*56 + 8, le.AppendUint64(nil, uint64(len(image))), []string{"shorter than it says"}},
	} {
		t.Run(name, func(t *testing.T) {
			altered := bytes.Clone(program)
			copy(altered[start+c.at:], c.bytes)
			path := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(path, altered, 0o755); err != nil {
				t.Fatal(err)
			}
			child{name: "nothing", program: path}.expect(t, append(c.texts, "image of the engine")...)
		})
	}
}
