package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	modulepath "golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// version is the one that the proof publishes.
const version = "v0.0.0-test"

// module is the packed module in a folder that serves as GOPROXY.
type module struct {
	path    string
	proxy   string
	zipSize int64
	files   int
	size    int64 // of the files, unpacked
	omitted int   // files that are no part of the module: other modules, vendor folders
	dirty   bool
}

// file is a tracked file as package zip wants it: the name in the module, the content of the work
// tree.
type file struct {
	name string
	path string
}

func (f file) Path() string                 { return f.name }
func (f file) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.path) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.path) }

// tracked lists the files that git knows, and reports whether the work tree differs from HEAD. A
// symbolic link is an error: the proxy leaves links out, so that what needs one would miss it.
func tracked(root string) (files []zip.File, dirty bool, err error) {
	list, err := git(root, "ls-files", "-z", "--cached")
	if err != nil {
		return nil, false, err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		f := file{name, filepath.Join(root, filepath.FromSlash(name))}
		info, err := f.Lstat()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, fmt.Errorf("%s is tracked by git and not in the work tree", name)
		}
		if err != nil {
			return nil, false, err
		}
		if !info.Mode().IsRegular() {
			return nil, false, fmt.Errorf("%s is no regular file: %v", name, info.Mode().Type())
		}
		files = append(files, f)
	}
	status, err := git(root, "status", "--porcelain", "--untracked-files=no")
	return files, status != "", err
}

func git(root string, arguments ...string) (string, error) {
	command := exec.Command("git", append([]string{"-C", root}, arguments...)...)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", arguments[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// pack packs the module and lays it out in the folder as the proxy's protocol wants it.
func pack(root, proxy string) (*module, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	m := &module{path: modfile.ModulePath(text), proxy: proxy}
	if m.path == "" {
		return nil, fmt.Errorf("%s/go.mod names no module", root)
	}
	escaped, err := modulepath.EscapePath(m.path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}

	files, dirty, err := tracked(root)
	if err != nil {
		return nil, err
	}
	m.dirty = dirty
	checked, err := zip.CheckFiles(files)
	if err == nil {
		err = checked.Err()
	}
	if err != nil {
		return nil, err
	}
	m.files, m.omitted = len(checked.Valid), len(checked.Omitted)
	for _, name := range checked.Valid {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		m.size += info.Size()
	}

	out, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := zip.Create(out, modulepath.Version{Path: m.path, Version: version}, files); err != nil {
		return nil, err
	}
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	m.zipSize = info.Size()

	about, err := json.Marshal(map[string]string{"Version": version, "Time": time.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return nil, err
	}
	return m, errors.Join(
		out.Close(),
		os.WriteFile(filepath.Join(folder, version+".info"), about, 0o644),
		os.WriteFile(filepath.Join(folder, version+".mod"), text, 0o644),
		os.WriteFile(filepath.Join(folder, "list"), []byte(version+"\n"), 0o644),
	)
}

// packed gives the module, which the first caller packs.
func (p *proof) packed() (*module, error) {
	if p.module == nil {
		m, err := pack(p.root, filepath.Join(p.folder, "proxy"))
		if err != nil {
			return nil, fmt.Errorf("packing the module: %w", err)
		}
		p.module = m
	}
	return p.module, nil
}

func (p *proof) zip() (string, error) {
	m, err := p.packed()
	if err != nil {
		return "", err
	}
	shown := fmt.Sprintf("%s: %s zipped, %s in %d files, no links", m.path, megabytes(m.zipSize), megabytes(m.size), m.files)
	if m.omitted > 0 {
		shown += fmt.Sprintf(", %d files of other modules left out", m.omitted)
	}
	if m.dirty {
		shown += ", with changes that are not committed"
	}
	if float64(m.zipSize) > p.zipLimit*1e6 {
		return "", fmt.Errorf("%s; expected at most %.1f MB", shown, p.zipLimit)
	}
	return shown, nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.2f MB", float64(bytes)/1e6) }
