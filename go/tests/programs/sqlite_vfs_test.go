package programs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The file system that SQLite asks its host for (https://www.sqlite.org/c3ref/vfs.html), for one
// user at a time.

// The codes that it answers by (https://www.sqlite.org/rescode.html).
const (
	sqliteOK        = 0
	sqliteNotFound  = 12
	sqliteCantOpen  = 14
	sqliteIO        = 10
	sqliteShortRead = sqliteIO | 2<<8
	sqliteNoEntry   = sqliteIO | 23<<8
)

// sqliteFiles are the files of a directory.
type sqliteFiles struct {
	root *os.Root
	open map[int32]*sqliteFile
	last int32
}

type sqliteFile struct {
	*os.File
	remove string // a file that goes when it is closed
}

func newSQLiteFiles(t testing.TB, directory string) *sqliteFiles {
	t.Helper()
	f := &sqliteFiles{root: must(os.OpenRoot(directory))(t), open: map[int32]*sqliteFile{}}
	t.Cleanup(func() {
		f.closeAll()
		f.root.Close()
	})
	return f
}

func (f *sqliteFiles) closeAll() {
	for handle, file := range f.open {
		file.Close()
		delete(f.open, handle)
	}
}

// word reads a pointer or number.
func word(memory []byte, at int32) uint32 { return binary.LittleEndian.Uint32(memory[uint32(at):]) }

// cString reads a string that ends with a zero byte.
func cString(memory []byte, at int32) string {
	text, _, _ := bytes.Cut(memory[uint32(at):], []byte{0})
	return string(text)
}

func put(c *wasmer.InstanceContext, at int32, value uint32) {
	binary.LittleEndian.PutUint32(c.Memory().Data()[uint32(at):], value)
}

// of gives the file of a structure sqlite3_file, whose second word is our number.
func (f *sqliteFiles) of(c *wasmer.InstanceContext, file int32) *sqliteFile {
	return f.open[int32(word(c.Memory().Data(), file+4))]
}

// imports are the functions of a file system. Locks, shared memory and what is only of use to
// extensions are left out.
func (f *sqliteFiles) imports(t testing.TB) *wasmer.Imports {
	t.Helper()
	type c = *wasmer.InstanceContext
	nothing := func(int32) int32 { return sqliteOK }
	set := wasmer.NewImports()
	for name, function := range map[string]any{
		"go_open": f.openFile, "go_delete": f.delete, "go_access": f.access, "go_read": f.read, "go_write": f.write,
		"go_full_pathname": func(c c, _, name, size, to int32) int32 {
			memory := c.Memory().Data()
			text := cString(memory, name)
			if len(text) >= int(size) {
				return sqliteCantOpen
			}
			copy(memory[to:], text+"\x00")
			return sqliteOK
		},
		"go_close": func(c c, file int32) int32 {
			open := f.of(c, file)
			delete(f.open, int32(word(c.Memory().Data(), file+4)))
			open.Close()
			if open.remove != "" {
				return code(f.root.Remove(open.remove))
			}
			return sqliteOK
		},
		"go_truncate": func(c c, file int32, size int64) int32 { return code(f.of(c, file).Truncate(size)) },
		"go_sync":     func(c c, file, _ int32) int32 { return code(f.of(c, file).Sync()) },
		"go_file_size": func(c c, file, to int32) int32 {
			info, err := f.of(c, file).Stat()
			if err != nil {
				return sqliteIO
			}
			binary.LittleEndian.PutUint64(c.Memory().Data()[to:], uint64(info.Size()))
			return sqliteOK
		},
		"go_lock": func(_, _ int32) int32 { return sqliteOK }, "go_unlock": func(_, _ int32) int32 { return sqliteOK },
		"go_check_reserved_lock": func(c c, _, to int32) int32 { put(c, to, 0); return sqliteOK },
		"go_file_control":        func(_, _, _ int32) int32 { return sqliteNotFound },
		"go_sector_size":         func(int32) int32 { return 4096 }, "go_device_characteristics": nothing,
		"go_randomness": func(c c, _, size, to int32) int32 {
			n, _ := rand.Read(c.Memory().Data()[to : to+size])
			return int32(n)
		},
		"go_sleep": func(ctx context.Context, _, micros int32) int32 {
			time.Sleep(time.Duration(micros) * time.Microsecond)
			return sqliteOK
		},
		"go_current_time_64": func(c c, _, to int32) int32 { // milliseconds of the Julian calendar
			binary.LittleEndian.PutUint64(c.Memory().Data()[to:], uint64(time.Now().UnixMilli()+210_866_760_000_000))
			return sqliteOK
		},
	} {
		if _, err := set.Append(name, function); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

func code(err error) int32 {
	switch {
	case err == nil:
		return sqliteOK
	case errors.Is(err, os.ErrNotExist):
		return sqliteNoEntry
	}
	return sqliteIO
}

// openFile opens a file for a structure sqlite3_file; one without a name is temporary.
func (f *sqliteFiles) openFile(c *wasmer.InstanceContext, _, name, file, flags, outFlags, _ int32) int32 {
	const readOnly, create, exclusive, deleteOnClose = 1, 4, 16, 8
	path := "temporary"
	if name != 0 {
		path = cString(c.Memory().Data(), name)
	}
	mode := os.O_RDWR
	if flags&readOnly != 0 {
		mode = os.O_RDONLY
	}
	if flags&create != 0 {
		mode |= os.O_CREATE
	}
	if flags&exclusive != 0 {
		mode |= os.O_EXCL
	}
	open, err := f.root.OpenFile(path, mode, 0o666)
	if err != nil {
		return sqliteCantOpen
	}
	f.last++
	f.open[f.last] = &sqliteFile{File: open}
	if flags&deleteOnClose != 0 {
		f.open[f.last].remove = path
	}
	put(c, file+4, uint32(f.last))
	if outFlags != 0 {
		put(c, outFlags, uint32(flags))
	}
	return sqliteOK
}

func (f *sqliteFiles) delete(c *wasmer.InstanceContext, _, name, _ int32) int32 {
	return code(f.root.Remove(cString(c.Memory().Data(), name)))
}

func (f *sqliteFiles) access(c *wasmer.InstanceContext, _, name, _, to int32) int32 {
	_, err := f.root.Stat(cString(c.Memory().Data(), name))
	exists := uint32(1)
	if err != nil {
		exists = 0
	}
	put(c, to, exists)
	return sqliteOK
}

// read fills what lies behind the end with zeros.
func (f *sqliteFiles) read(c *wasmer.InstanceContext, file, to, size int32, offset int64) int32 {
	buffer := c.Memory().Data()[to : to+size]
	n, err := f.of(c, file).ReadAt(buffer, offset)
	switch {
	case err == nil:
		return sqliteOK
	case err == io.EOF:
		clear(buffer[n:])
		return sqliteShortRead
	}
	return sqliteIO
}

func (f *sqliteFiles) write(c *wasmer.InstanceContext, file, from, size int32, offset int64) int32 {
	_, err := f.of(c, file).WriteAt(c.Memory().Data()[from:from+size], offset)
	return code(err)
}
