package memfs

import (
	"io"
	"os"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	fsys := New(0)
	f, err := fsys.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
	check(b, err)
	data := make([]byte, 4096)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		if i%4096 == 0 { // 16 MiB
			_, _ = f.(*file).Seek(0, io.SeekStart)
		}
		_, _ = f.(*file).Write(data)
	}
}

func BenchmarkStat(b *testing.B) {
	fsys := New(0)
	check(b, fsys.MkdirAll("a/b/c", 0o777))
	check(b, fsys.WriteFile("a/b/c/f", nil, 0o600))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fsys.Stat("a/b/c/f"); err != nil {
			b.Fatal(err)
		}
	}
}
