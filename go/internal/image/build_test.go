//go:build linux && (amd64 || arm64) && !gowasmer_static

package image

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// Compiled modules are kept under the image's hash: it must be that of the image.
func TestBuildIsThatOfTheImage(t *testing.T) {
	sum := sha256.Sum256(embeddedBytes())
	if expected := hex.EncodeToString(sum[:]); !strings.HasPrefix(Build(), expected+" ") {
		t.Errorf("the build is %q, expected the SHA-256 %s; is %s another than that of make image?", Build(), expected, "build/overlay.json")
	}
}
