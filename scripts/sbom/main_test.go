package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestChecksums(t *testing.T) {
	got := checksums("version = 4\n\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\nchecksum = \"ab\"\n")
	if len(got) != 1 || got["a 2.0.0"] != "ab" {
		t.Errorf("got %v", got)
	}
}

func TestBill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.bin")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := newBill("example.org/m", "v1.0.0", "c0ffee", time.Unix(0, 0).UTC())
	b.addModules([]goModule{{Path: "example.org/m", Main: true}}, "v1.0.0")
	b.addCrates([]crate{
		{ID: "1", Name: "own", Version: "0.1.0", License: "MIT", Repository: "https://example.org/m", needs: []string{"2", "3"}},
		{ID: "2", Name: "a", Version: "1.0.0+x", License: "Apache-2.0/MIT", Source: "registry", checksum: "ab"},
		{ID: "3", Name: "changed", Version: "3.0.0", License: "MIT", Repository: "https://example.org/other"},
	}, "example.org/m")
	b.addStandardLibrary("rustc 1.95.0 (abc 2026-01-01)")
	if err := b.addFile(path); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{document: true}
	for _, p := range b.Packages {
		known[p.SPDXID] = true
	}
	for _, f := range b.Files {
		known[f.SPDXID] = true
	}
	if len(known) != 7 {
		t.Errorf("%d identifiers, expected 7: %v", len(known), known)
	}
	for _, r := range b.Relationships {
		if !known[r.Element] || !known[r.Related] {
			t.Errorf("%v names what is not there", r)
		}
	}
	if a := b.Packages[2]; a.LicenseDeclared != "Apache-2.0 OR MIT" || a.SPDXID != "SPDXRef-Rust-a-1.0.0-x" ||
		a.ExternalRefs[0].Locator != "pkg:cargo/a@1.0.0%2Bx" || a.Checksums[0].Value != "ab" {
		t.Errorf("got %+v", a)
	}
	if c := b.Packages[3]; c.Comment == "" || c.Checksums != nil {
		t.Errorf("got %+v", c)
	}
	if f := b.Files[0]; f.Checksums[1].Value != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("got %+v", f)
	}
}
