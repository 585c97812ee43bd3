package wasmer

import (
	"os"

	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// WasiVersion is a version of WASI.
type WasiVersion uint

const (
	// Unknown is no version of WASI, or none that is known here.
	Unknown = WasiVersion(0)

	// Latest stands for whatever version a module asks for.
	Latest = WasiVersion(1)

	// Snapshot0 is the version whose namespace is `wasi_unstable`.
	Snapshot0 = WasiVersion(2)

	// Snapshot1 is the version whose namespace is `wasi_snapshot_preview1`.
	Snapshot1 = WasiVersion(3)
)

// String returns the namespace of the version, or "unknown" or "latest".
func (version WasiVersion) String() string {
	switch version {
	case Latest:
		return "latest"
	case Snapshot0:
		return wasi.Snapshot0
	case Snapshot1:
		return wasi.Snapshot1
	default:
		return "unknown"
	}
}

// MapDirEntry is a directory of the host that a guest knows by another path. It is made by
// [NewMapDirEntry].
type MapDirEntry struct {
	alias    string
	hostPath string
}

// NewMapDirEntry makes a MapDirEntry: the guest finds the directory hostPath as alias.
func NewMapDirEntry(alias, hostPath string) MapDirEntry { return MapDirEntry{alias, hostPath} }

// NewDefaultWasiImportObject is [NewWasiImportObject] without arguments, variables and directories.
func NewDefaultWasiImportObject() *ImportObject {
	return NewDefaultWasiImportObjectForVersion(Latest)
}

// NewDefaultWasiImportObjectForVersion is [NewWasiImportObjectForVersion] without arguments,
// variables and directories.
func NewDefaultWasiImportObjectForVersion(version WasiVersion) *ImportObject {
	return NewWasiImportObjectForVersion(version, nil, nil, nil, nil)
}

// NewWasiImportObject makes an ImportObject with the functions of WASI, of all versions. The
// arguments begin with the program's name, environment variables are given as "NAME=value",
// preopened directories are known to the guest by their paths on the host, and mapped ones by
// another. The standard streams are those of the process. [Wasi] offers more.
//
// There is no error: when a directory cannot be opened, instantiating with the object fails and
// reports it, and so does [GetLastError]. See [Wasi.ImportObject] for what the object holds.
func NewWasiImportObject(
	arguments []string, environmentVariables []string, preopenedDirs []string,
	mappedDirs []MapDirEntry,
) *ImportObject {
	return NewWasiImportObjectForVersion(Latest, arguments, environmentVariables, preopenedDirs, mappedDirs)
}

// NewWasiImportObjectForVersion is [NewWasiImportObject] with the functions of one version;
// [Unknown] has none.
func NewWasiImportObjectForVersion(
	version WasiVersion, arguments []string, environmentVariables []string, preopenedDirs []string,
	mappedDirs []MapDirEntry,
) *ImportObject {
	w := Wasi{Args: arguments, Env: environmentVariables, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	for _, directory := range preopenedDirs {
		w.Dirs = append(w.Dirs, WasiDir{Host: directory})
	}
	for _, mapped := range mappedDirs {
		w.Dirs = append(w.Dirs, WasiDir{Guest: mapped.alias, Host: mapped.hostPath})
	}
	system, err := w.system()
	if err != nil {
		object := NewImportObject()
		object.broken = importObjectError("cannot make the imports of WASI", err)
		return object
	}
	switch version {
	case Latest:
		return wasiImportObject(system, wasi.Snapshot0, wasi.Snapshot1)
	case Snapshot0:
		return wasiImportObject(system, wasi.Snapshot0)
	case Snapshot1:
		return wasiImportObject(system, wasi.Snapshot1)
	default:
		return NewImportObject()
	}
}

// WasiGetVersion returns the version of WASI a module imports functions of; [Unknown] if of none.
// If it imports of several, the newest.
func WasiGetVersion(module Module) WasiVersion {
	version := Unknown
	for _, imported := range module.Imports {
		switch {
		case imported.Kind != ImportExportKindFunction:
		case imported.Namespace == wasi.Snapshot1:
			return Snapshot1
		case imported.Namespace == wasi.Snapshot0:
			version = Snapshot0
		}
	}
	return version
}
