package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// SQLite, as a module without WASI whose file system is in Go (sqlite_vfs_test.go): the one of
// github.com/ncruces/go-sqlite3, which uses vector operations, bulk memory and conversions that
// saturate.

const (
	sqliteModule = "github.com/ncruces/go-sqlite3@v0.22.0"
	sqliteSHA256 = "71720c87b0cfc59ffee3873eb2888e86037b63973ed70bde8d33aaf08362d557"
)

// sqliteWasm fetches the module.
func sqliteWasm(t testing.TB) *wasmer.Module {
	t.Helper()
	download := exec.Command("go", "mod", "download", "-json", sqliteModule)
	download.Dir, download.Env = t.TempDir(), append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var about struct{ Dir, Error string }
	if err := json.Unmarshal(must(download.Output())(t), &about); err != nil || about.Error != "" {
		t.Fatal(err, about.Error)
	}
	bytes := must(os.ReadFile(filepath.Join(about.Dir, "embed", "sqlite3.wasm")))(t)
	if sum := sha256.Sum256(bytes); hex.EncodeToString(sum[:]) != sqliteSHA256 {
		t.Fatalf("sqlite3.wasm has the hash %x", sum)
	}
	module := must(wasmer.Compile(bytes))(t)
	t.Cleanup(module.Close)
	return &module
}

// sqlite is an open database.
type sqlite struct {
	t        testing.TB
	instance wasmer.Instance
	db       int32
}

// openSQLite opens a database in an instance of its own.
func openSQLite(t testing.TB, module *wasmer.Module, files *sqliteFiles, name string) *sqlite {
	t.Helper()
	instance := must(module.InstantiateContext(context.Background(), files.imports(t), wasmer.WithTrappingImports()))(t)
	s := &sqlite{t: t, instance: instance}
	if instance.Exports["_initialize"] != nil {
		s.call("_initialize")
	}
	const readWriteCreate = 2 | 4
	result := s.malloc(4)
	if code := s.call("sqlite3_open_v2", s.text(name), result, readWriteCreate, 0); code != 0 {
		t.Fatalf("opening %s: code %d", name, code)
	}
	s.db = s.word(result)
	return s
}

func (s *sqlite) close() {
	s.t.Helper()
	if code := s.call("sqlite3_close", s.db); code != 0 {
		s.t.Errorf("closing: code %d", code)
	}
	s.instance.Close()
}

// call calls an export; a trap fails the test.
func (s *sqlite) call(name string, arguments ...any) int32 {
	s.t.Helper()
	value := must(s.instance.Exports[name](arguments...))(s.t)
	switch value.GetType() {
	case wasmer.TypeI32:
		return value.ToI32()
	default:
		return 0
	}
}

func (s *sqlite) malloc(size int) int32 {
	s.t.Helper()
	return s.call("sqlite3_malloc64", int64(size))
}

// text puts a string into the memory of the guest.
func (s *sqlite) text(text string) int32 {
	s.t.Helper()
	at := s.malloc(len(text) + 1)
	copy(s.instance.Memory.Data()[at:], text+"\x00")
	return at
}

func (s *sqlite) word(at int32) int32 { return int32(word(s.instance.Memory.Data(), at)) }

// query runs one or more statements. It returns the rows of the last one, their columns joined by
// "|", and the message if something is wrong.
func (s *sqlite) query(format string, arguments ...any) (rows []string, message string) {
	s.t.Helper()
	const row, done = 100, 101
	sql := s.text(fmt.Sprintf(format, arguments...))
	defer s.call("sqlite3_free", sql)
	result := s.malloc(8)
	defer s.call("sqlite3_free", result)
	for s.instance.Memory.Data()[sql] != 0 {
		if s.call("sqlite3_prepare_v3", s.db, sql, -1, 0, result, result+4) != 0 {
			return rows, cString(s.instance.Memory.Data(), s.call("sqlite3_errmsg", s.db))
		}
		statement := s.word(result)
		sql = s.word(result + 4)
		if statement == 0 { // a comment, or space
			continue
		}
		rows = nil
		code := s.call("sqlite3_step", statement)
		for ; code == row; code = s.call("sqlite3_step", statement) {
			var columns []string
			for i := range s.call("sqlite3_column_count", statement) {
				text := s.call("sqlite3_column_text", statement, i)
				length := s.call("sqlite3_column_bytes", statement, i)
				columns = append(columns, string(s.instance.Memory.Data()[text:text+length]))
			}
			rows = append(rows, strings.Join(columns, "|"))
		}
		if code != done {
			message = cString(s.instance.Memory.Data(), s.call("sqlite3_errmsg", s.db))
		}
		s.call("sqlite3_finalize", statement)
		if message != "" {
			return rows, message
		}
	}
	return rows, ""
}

// expect compares the rows of a query.
func (s *sqlite) expect(expected, format string, arguments ...any) {
	s.t.Helper()
	rows, message := s.query(format, arguments...)
	if got := strings.Join(rows, "\n") + message; got != expected {
		s.t.Errorf("%s:\n%s\nexpected\n%s", format, got, expected)
	}
}

// fill makes a table of numbers, squares and texts.
func (s *sqlite) fill(rows int) {
	s.t.Helper()
	s.expect("", "create table squares (n integer primary key, square integer, text text)")
	s.expect("", "begin")
	for i := range rows {
		s.expect("", "insert into squares values (%d, %d, '%s')", i, i*i, strings.Repeat("é", i%50))
	}
	s.expect("", "create index by_square on squares (square desc); commit")
}

func (s *sqlite) check(rows int) {
	s.t.Helper()
	n := rows - 1
	s.expect(fmt.Sprintf("%d|%d|%d", rows, n*(n+1)/2, n*(n+1)*(2*n+1)/6), "select count(*), sum(n), sum(square) from squares")
	s.expect("49|2401|"+strings.Repeat("é", 49)+"\n48|2304|"+strings.Repeat("é", 48), "select * from squares where n < 50 order by square desc limit 2")
	s.expect("ok", "pragma integrity_check")
}

func TestSQLite(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches SQLite")
	}
	module, host := sqliteWasm(t), t.TempDir()
	t.Run("memory", func(t *testing.T) {
		files := newSQLiteFiles(t, host)
		s := openSQLite(t, module, files, ":memory:")
		s.expect("3.48.0", "select sqlite_version()")
		s.fill(300)
		s.check(300)
		s.expect(`[1,"two",null]|2.5|4`, "select json_array(1, 'two', null), 1e0 * 5 / 2, length('été!')")
		s.expect("1\n2\n3", "with recursive c(x) as (select 1 union all select x + 1 from c where x < 3) select x from c")
		s.expect(`near "selct": syntax error`, "selct 1")
		s.expect("UNIQUE constraint failed: squares.n", "insert into squares values (1, 1, '')")
		s.expect("1970-01-02 00:00:00", "select datetime(86400, 'unixepoch')")
		s.close()
		if names := must(os.ReadDir(host))(t); len(names) != 0 {
			t.Errorf("a database in memory made files: %v", names)
		}
	})
	t.Run("file", func(t *testing.T) {
		files := newSQLiteFiles(t, host)
		s := openSQLite(t, module, files, "test.db")
		s.fill(1000)
		s.expect("", "begin; delete from squares where n >= 10; rollback") // by the journal
		s.check(1000)
		s.close()
		if text := must(os.ReadFile(filepath.Join(host, "test.db")))(t); !strings.HasPrefix(string(text), "SQLite format 3\x00") {
			t.Errorf("the file begins with %q", text[:16])
		}
		other := openSQLite(t, module, files, "test.db")
		other.check(1000)
		// An instance that is given up in the middle of a transaction leaves a journal, by which
		// the next one undoes it.
		other.expect("", "pragma cache_size = 1; begin; update squares set square = 0, text = text || 'x'")
		other.instance.Close()
		if _, err := os.Stat(filepath.Join(host, "test.db-journal")); err != nil {
			t.Error(err)
		}
		files.closeAll()
		last := openSQLite(t, module, files, "test.db")
		last.check(1000)
		last.expect("", "drop table squares; vacuum")
		last.close()
		if names := must(os.ReadDir(host))(t); len(names) != 1 || len(files.open) != 0 {
			t.Errorf("files: %v, open: %v", names, files.open)
		}
	})
}
