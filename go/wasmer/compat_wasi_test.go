package wasmer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestWasiGetVersion(t *testing.T) {
	for name, expected := range map[string]wasmer.WasiVersion{"sum": wasmer.Unknown, "wasi_unstable": wasmer.Snapshot0, "wasi/tool": wasmer.Snapshot1} {
		module := must(wasmer.Compile(guest(t, name)))(t)
		if version := wasmer.WasiGetVersion(module); version != expected {
			t.Errorf("%s: %v, expected %v", name, version, expected)
		}
		module.Close()
	}
	if version := wasmer.WasiGetVersion(wasmer.Module{}); version != wasmer.Unknown {
		t.Errorf("no module: %v", version)
	}
	for version, text := range map[wasmer.WasiVersion]string{
		wasmer.Unknown: "unknown", wasmer.Latest: "latest", wasmer.Snapshot0: "wasi_unstable", wasmer.Snapshot1: "wasi_snapshot_preview1", 9: "unknown",
	} {
		if version.String() != text {
			t.Errorf("%d is %s", version, version)
		}
	}
}

// TestWasiImportObjects runs a program with the imports of each constructor, and of each version.
func TestWasiImportObjects(t *testing.T) {
	module, dir := tool(t), t.TempDir()
	object := wasmer.NewWasiImportObject([]string{"tool", "write", "/mapped/file", "text"}, []string{"A=1"}, []string{dir}, []wasmer.MapDirEntry{wasmer.NewMapDirEntry("/mapped", dir)})
	defer object.Close()
	instance := must(module.InstantiateWithImportObject(object))(t)
	defer instance.Close()
	if _, err := instance.Exports["_start"](); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	for version, works := range map[wasmer.WasiVersion]bool{wasmer.Latest: true, wasmer.Snapshot1: true, wasmer.Snapshot0: false, wasmer.Unknown: false} {
		object := wasmer.NewDefaultWasiImportObjectForVersion(version)
		instance, err := module.InstantiateWithImportObject(object)
		if (err == nil) != works {
			t.Errorf("%v: %v", version, err)
		}
		instance.Close()
		object.Close()
	}
	instance, err := module.InstantiateWithImportObject(wasmer.NewDefaultWasiImportObject())
	if err != nil {
		t.Error(err)
	}
	instance.Close()
}

// TestWasiImportObjectWithoutDirectory: the error comes where there is a way to return one.
func TestWasiImportObjectWithoutDirectory(t *testing.T) {
	object := wasmer.NewWasiImportObject(nil, nil, []string{"/nowhere/at/all"}, nil)
	_, err := tool(t).InstantiateWithImportObject(object)
	checkContains(t, err, "open /nowhere/at/all: no such file or directory")
	var typed *wasmer.ImportObjectError
	if !errors.As(err, &typed) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is a %T", err)
	}
}
