// Command sbom writes to standard output what a release consists of: the Go modules, the Rust
// crates in the engine, and the files given, as a bill of materials in the format SPDX 2.3 (JSON).
// It asks cargo, go and git; the same commit gives the same bytes.
//
//	go run ./scripts/sbom -manifest rust/engine/Cargo.toml -version v1.2.3 [file ...]
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// targets are those that the engine is built for. A crate of one of them is in the list.
var targets = []string{"x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"}

func main() {
	manifest := flag.String("manifest", "rust/engine/Cargo.toml", "the manifest of the crate that is shipped")
	version := flag.String("version", "", "the version of the release (default: what git describes)")
	flag.Parse()
	if err := write(os.Stdout, *manifest, *version, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

func write(out io.Writer, manifest, version string, files []string) error {
	described, err := output("git", "describe", "--tags", "--always", "--dirty")
	if err != nil {
		return err
	}
	version = cmp.Or(version, described)
	commit, err := output("git", "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	created, err := created()
	if err != nil {
		return err
	}
	modules, err := goModules()
	if err != nil {
		return err
	}
	crates, err := rustCrates(manifest)
	if err != nil {
		return err
	}
	rust, err := output(cmp.Or(os.Getenv("RUSTC"), "rustc"), "-V")
	if err != nil {
		return err
	}
	b := newBill(modules[0].Path, version, commit, created)
	b.addModules(modules, version)
	b.addCrates(crates, modules[0].Path)
	b.addStandardLibrary(rust)
	for _, path := range files {
		if err := b.addFile(path); err != nil {
			return err
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(b)
}

// created is the time of the commit, or that of the environment variable for reproducible builds.
func created() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		var err error
		if text, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time of the release: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// goModule is what `go list -m` tells.
type goModule struct {
	Path    string
	Version string
	Main    bool
}

// goModules gives this module and then those that it needs.
func goModules() ([]goModule, error) {
	text, err := output(cmp.Or(os.Getenv("GO"), "go"), "list", "-m", "-json", "all")
	if err != nil {
		return nil, err
	}
	var modules []goModule
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var m goModule
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		modules = append(modules, m)
	}
	if len(modules) == 0 || !modules[0].Main {
		return nil, errors.New("go list names no main module")
	}
	return modules, nil
}

// crate is a package of cargo.
type crate struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Version    string `json:"version"`
	License    string `json:"license"`
	Repository string `json:"repository"`
	Source     string `json:"source"`
	checksum   string
	needs      []string // identifiers of crates
}

// rustCrates gives the crate of the manifest, and then those that are linked into it on one of the
// targets, without build scripts, procedural macros and development tools.
func rustCrates(manifest string) ([]crate, error) {
	cargo := cmp.Or(os.Getenv("CARGO"), "cargo")
	found := map[string]*crate{}
	first := ""
	folder := ""
	for _, target := range targets {
		tree, err := output(cargo, "tree", "--locked", "--manifest-path", manifest, "-e", "normal,no-proc-macro", "--target", target,
			"--prefix", "none", "-f", "{p}")
		if err != nil {
			return nil, err
		}
		linked := map[string]bool{}
		for line := range strings.SplitSeq(tree, "\n") {
			if fields := strings.Fields(line); len(fields) >= 2 {
				linked[fields[0]+" "+strings.TrimPrefix(fields[1], "v")] = true
			}
		}
		text, err := output(cargo, "metadata", "--locked", "--manifest-path", manifest, "--format-version", "1", "--filter-platform", target)
		if err != nil {
			return nil, err
		}
		var metadata struct {
			Packages []crate `json:"packages"`
			Resolve  struct {
				Root  string `json:"root"`
				Nodes []struct {
					ID           string   `json:"id"`
					Dependencies []string `json:"dependencies"`
				} `json:"nodes"`
			} `json:"resolve"`
			Folder string `json:"workspace_root"`
		}
		if err := json.Unmarshal([]byte(text), &metadata); err != nil {
			return nil, fmt.Errorf("cargo metadata: %w", err)
		}
		first, folder = metadata.Resolve.Root, metadata.Folder
		for _, c := range metadata.Packages {
			if linked[c.Name+" "+c.Version] && found[c.ID] == nil {
				found[c.ID] = &c
			}
		}
		for _, node := range metadata.Resolve.Nodes {
			if c := found[node.ID]; c != nil {
				c.needs = append(c.needs, node.Dependencies...)
			}
		}
	}
	if found[first] == nil {
		return nil, fmt.Errorf("%s is the manifest of no crate", manifest)
	}
	lock, err := os.ReadFile(filepath.Join(folder, "Cargo.lock"))
	if err != nil {
		return nil, err
	}
	sums := checksums(string(lock))
	var crates []crate
	for _, c := range found {
		c.needs = slices.DeleteFunc(c.needs, func(id string) bool { return found[id] == nil })
		slices.Sort(c.needs)
		c.needs = slices.Compact(c.needs)
		if c.Source != "" {
			if c.checksum = sums[c.Name+" "+c.Version]; c.checksum == "" {
				return nil, fmt.Errorf("no checksum of %s %s in Cargo.lock", c.Name, c.Version)
			}
		}
		crates = append(crates, *c)
	}
	slices.SortFunc(crates, func(a, b crate) int {
		if a.ID == first || b.ID == first {
			return cmp.Compare(bool2int(b.ID == first), bool2int(a.ID == first))
		}
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	return crates, nil
}

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checksums reads the SHA-256 of packages, by name and version, from Cargo.lock.
func checksums(lock string) map[string]string {
	sums := map[string]string{}
	var name, version string
	for line := range strings.SplitSeq(lock, "\n") {
		key, value, _ := strings.Cut(line, " = ")
		value = strings.Trim(value, `"`)
		switch key {
		case "[[package]]":
			name, version = "", ""
		case "name":
			name = value
		case "version":
			version = value
		case "checksum":
			sums[name+" "+version] = value
		}
	}
	return sums
}

// output gives what a command prints, without the newline at the end.
func output(name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, arguments[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
