package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bill is a document of SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3.
type bill struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creation       `json:"creationInfo"`
	Packages          []part         `json:"packages"`
	Files             []shippedFile  `json:"files,omitempty"`
	Relationships     []relationship `json:"relationships"`

	engine string // the identifier of the first crate
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

// part is a package: a Go module or a crate.
type part struct {
	Name             string      `json:"name"`
	SPDXID           string      `json:"SPDXID"`
	VersionInfo      string      `json:"versionInfo,omitempty"`
	DownloadLocation string      `json:"downloadLocation"`
	FilesAnalyzed    bool        `json:"filesAnalyzed"`
	LicenseConcluded string      `json:"licenseConcluded"`
	LicenseDeclared  string      `json:"licenseDeclared"`
	CopyrightText    string      `json:"copyrightText"`
	Checksums        []checksum  `json:"checksums,omitempty"`
	ExternalRefs     []reference `json:"externalRefs,omitempty"`
	Comment          string      `json:"comment,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type shippedFile struct {
	FileName         string     `json:"fileName"`
	SPDXID           string     `json:"SPDXID"`
	FileTypes        []string   `json:"fileTypes"`
	Checksums        []checksum `json:"checksums"`
	LicenseConcluded string     `json:"licenseConcluded"`
	CopyrightText    string     `json:"copyrightText"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const (
	document    = "SPDXRef-DOCUMENT"
	noAssertion = "NOASSERTION"
)

func newBill(module, version, commit string, created time.Time) *bill {
	return &bill{
		SPDXVersion:       "SPDX-2.3",
		DataLicense:       "CC0-1.0",
		SPDXID:            document,
		Name:              module + "@" + version,
		DocumentNamespace: "https://" + module + "/spdx/" + version + "/" + commit,
		CreationInfo:      creation{created.Format(time.RFC3339), []string{"Tool: " + module + "/scripts/sbom"}},
	}
}

func (b *bill) relate(element, how, related string) {
	b.Relationships = append(b.Relationships, relationship{element, how, related})
}

// addModules adds the module that is described, and then those that it needs.
func (b *bill) addModules(modules []goModule, version string) {
	for i, m := range modules {
		p := part{
			Name: m.Path, SPDXID: identifier("Go", m.Path), VersionInfo: m.Version, DownloadLocation: "https://proxy.golang.org/" + m.Path,
			LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
		}
		if i == 0 {
			p.VersionInfo, p.DownloadLocation = version, "git+https://"+m.Path+"@"+version
			p.LicenseConcluded, p.LicenseDeclared = "MIT", "MIT"
			b.relate(document, "DESCRIBES", p.SPDXID)
		} else {
			b.relate(b.Packages[0].SPDXID, "DEPENDS_ON", p.SPDXID)
		}
		p.ExternalRefs = purl("golang", m.Path, p.VersionInfo)
		b.Packages = append(b.Packages, p)
	}
}

// addCrates adds crates, of which the first is what the module contains.
func (b *bill) addCrates(crates []crate, module string) {
	identifiers := map[string]string{}
	for _, c := range crates {
		identifiers[c.ID] = identifier("Rust", c.Name, c.Version)
	}
	b.engine = identifiers[crates[0].ID]
	b.relate(b.Packages[0].SPDXID, "CONTAINS", b.engine)
	for _, c := range crates {
		license := strings.ReplaceAll(c.License, "/", " OR ")
		license = strings.Join(strings.Fields(license), " ")
		if license == "" {
			license = noAssertion
		}
		p := part{
			Name: c.Name, SPDXID: identifiers[c.ID], VersionInfo: c.Version,
			DownloadLocation: "https://static.crates.io/crates/" + c.Name + "/" + c.Name + "-" + c.Version + ".crate",
			LicenseConcluded: license, LicenseDeclared: license, CopyrightText: noAssertion,
		}
		switch own := strings.TrimSuffix(c.Repository, "/") == "https://"+module; {
		case c.Source != "":
			p.Checksums = []checksum{{"SHA256", c.checksum}}
			p.ExternalRefs = purl("cargo", c.Name, c.Version)
		case own:
			p.DownloadLocation = noAssertion
			p.Comment = "A part of this repository."
		default:
			p.ExternalRefs = purl("cargo", c.Name, c.Version)
			p.Comment = "The crate of that version with the changes that a script of this repository makes."
		}
		b.Packages = append(b.Packages, p)
		for _, need := range c.needs {
			b.relate(p.SPDXID, "DEPENDS_ON", identifiers[need])
		}
	}
}

// addStandardLibrary adds what comes with the Rust compiler that says this of itself: "rustc 1.95.0
// (...)".
func (b *bill) addStandardLibrary(compiler string) {
	version := strings.Fields(compiler + " unknown unknown")[1]
	p := part{
		Name: "rust-standard-library", SPDXID: identifier("Rust", "standard-library"), VersionInfo: version,
		DownloadLocation: "git+https://github.com/rust-lang/rust@" + version,
		LicenseConcluded: "MIT OR Apache-2.0", LicenseDeclared: "MIT OR Apache-2.0", CopyrightText: noAssertion,
		Comment: "Parts of core, alloc and compiler_builtins (std in the static library), built by " + compiler + ".",
	}
	b.Packages = append(b.Packages, p)
	b.relate(b.Packages[0].SPDXID, "CONTAINS", p.SPDXID)
}

// addFile adds a file that is built of the crates, with its hashes.
func (b *bill) addFile(path string) error {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old, hash := sha1.Sum(bytes), sha256.Sum256(bytes) // The format demands SHA-1.
	f := shippedFile{
		FileName: "./" + filepath.ToSlash(filepath.Clean(path)), SPDXID: identifier("File", path), FileTypes: []string{"BINARY"},
		Checksums:        []checksum{{"SHA1", hex.EncodeToString(old[:])}, {"SHA256", hex.EncodeToString(hash[:])}},
		LicenseConcluded: noAssertion, CopyrightText: noAssertion,
	}
	b.Files = append(b.Files, f)
	// Not contained in the module: packages whose files are not listed each contain none (section
	// 7.8).
	b.relate(document, "DESCRIBES", f.SPDXID)
	b.relate(f.SPDXID, "GENERATED_FROM", b.engine)
	return nil
}

// identifier makes an identifier of letters, digits, dots and hyphens.
func identifier(parts ...string) string {
	return "SPDXRef-" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.':
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
}

// purl names a package as https://github.com/package-url/purl-spec says.
func purl(kind, name, version string) []reference {
	version = strings.ReplaceAll(version, "+", "%2B")
	return []reference{{"PACKAGE-MANAGER", "purl", fmt.Sprintf("pkg:%s/%s@%s", kind, name, version)}}
}
