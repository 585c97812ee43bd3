package cache

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DefaultLimit is how many bytes a folder may take if nobody says otherwise.
const DefaultLimit = 1 << 30

// touchAfter is how old the time of a file may become before a use renews it: it is written rarely,
// and exact enough to tell what was not used for long.
const touchAfter = time.Hour

// Cache is a folder with compiled modules. It keeps nothing open: each use opens the folder and
// looks at it anew. All methods may be called by many goroutines at once.
type Cache struct {
	dir   string // absolute
	limit int64  // bytes, 0 for none

	mutex sync.Mutex // protects stats
	stats Stats
}

// Stats counts what a Cache has done.
type Stats struct {
	// Hits are modules that were found, Misses those that were not.
	Hits, Misses int64
	// Rejected are files that were found and not used: damaged, or of others.
	Rejected int64
	// Stored are modules that were written, Failed those that could not be.
	Stored, Failed int64
	// Removed are files that were removed because the folder had become too large.
	Removed int64
	// LastError is why the last file was rejected or could not be written, or nil.
	LastError error
}

// Open creates the folder if there is none, and checks it. limit is how many bytes its files may
// take together, 0 or less for any number. The error is an *Error.
func Open(dir string, limit int64) (*Cache, error) {
	if dir == "" {
		return nil, &Error{`""`, errors.New("the name is empty, expected that of a folder")}
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, folderError(dir, err)
	}
	c := &Cache{dir: absolute, limit: max(limit, 0)}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c, nil
}

// Dir returns the absolute path of the folder.
func (c *Cache) Dir() string { return c.dir }

// Limit returns how many bytes its files may take together, 0 for any number.
func (c *Cache) Limit() int64 { return c.limit }

// Stats returns the counts.
func (c *Cache) Stats() Stats {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.stats
}

// count changes the counts.
func (c *Cache) count(change func(*Stats)) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change(&c.stats)
}

// Check creates the folder if there is none, and returns why it cannot be used, as an *Error.
func (c *Cache) Check() error {
	root, err := c.open(true)
	if err != nil {
		return err
	}
	return root.Close()
}

// open opens the folder, which may have vanished since it was last used.
func (c *Cache) open(create bool) (*os.Root, error) {
	root, err := os.OpenRoot(c.dir)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(c.dir, 0o700); err == nil {
			root, err = os.OpenRoot(c.dir)
		}
	}
	if err != nil {
		return nil, folderError(c.dir, err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = checkOwner("it", info)
	}
	if err != nil {
		_ = root.Close()
		return nil, folderError(c.dir, err)
	}
	return root, nil
}

// Load finds the module of a key and has use make something of it. It reports false if there is
// none, or none that can be used. What use gets is there during the call, and does not change
// unless somebody writes to the file in place, which nobody does. file begins with the module; it
// is nil where what is mapped of it could go away after the call, when the file is removed.
func (c *Cache) Load(key Key, use func(module []byte, file *os.File) error) bool {
	err := c.load(key, use)
	c.count(func(s *Stats) {
		switch {
		case err == nil:
			s.Hits++
		case errors.Is(err, fs.ErrNotExist):
			s.Misses++
		default:
			s.Rejected++
			s.LastError = err
		}
	})
	return err == nil
}

func (c *Cache) load(key Key, use func([]byte, *os.File) error) error {
	root, err := c.open(false)
	if err != nil {
		return err
	}
	defer root.Close()
	file, size, err := openModule(root, key)
	if err != nil {
		return err
	}
	defer file.Close()
	module, unmap, err := mapFile(file, size)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", file.Name(), err)
	}
	defer unmap()
	kept := file
	if !keepsRemoved(file) {
		kept = nil
	}
	if err := use(module, kept); err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	touch(root, key, file)
	return nil
}

// openModule opens the file of a key, and returns the size of the module in it. The key follows the
// module, so that a file under the name of another is found out.
func openModule(root *os.Root, key Key) (*os.File, int64, error) {
	name := key.fileName()
	file, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, 0, err
	}
	size, err := checkModule(file, name, key)
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	return file, size, nil
}

// checkModule looks at all that is around the module.
func checkModule(file *os.File, name string, key Key) (size int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, &unsafeError{name + " is not a regular file"}
	}
	if err := checkOwner(name, info); err != nil {
		return 0, err
	}
	size = info.Size() - int64(len(key))
	var found Key
	if size <= 0 {
		return 0, fmt.Errorf("%s is cut: it has %d bytes", name, info.Size())
	}
	if _, err := file.ReadAt(found[:], size); err != nil {
		return 0, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	if found != key {
		return 0, fmt.Errorf("%s is cut, or the file of another module: it ends with %x", name, found)
	}
	return size, nil
}

// touch tells that a file is used, unless it was told lately. It does not matter if it cannot be.
func touch(root *os.Root, key Key, file *os.File) {
	now := time.Now()
	info, err := file.Stat()
	if err == nil && now.Sub(info.ModTime()).Abs() > touchAfter {
		_ = root.Chtimes(key.fileName(), now, now)
	}
}

// Keep makes sure that the module of a key is in the folder: it has serialize write it if there is
// none. It is for a module that is at hand already.
func (c *Cache) Keep(key Key, serialize func() ([]byte, error)) {
	if root, err := c.open(false); err == nil {
		file, _, err := openModule(root, key)
		if err == nil {
			touch(root, key, file)
			_ = file.Close()
		}
		_ = root.Close()
		if err == nil {
			c.count(func(s *Stats) { s.Hits++ })
			return
		}
	}
	c.Store(key, serialize)
}

// Store writes the module of a key, in place of one that may be there, and removes what was not
// used for the longest time where the folder has become too large. A failure is counted.
func (c *Cache) Store(key Key, serialize func() ([]byte, error)) {
	err := c.store(key, serialize)
	c.count(func(s *Stats) {
		if err == nil {
			s.Stored++
		} else {
			s.Failed++
			s.LastError = err
		}
	})
}

func (c *Cache) store(key Key, serialize func() ([]byte, error)) error {
	root, err := c.open(true)
	if err != nil {
		return err
	}
	defer root.Close()
	module, err := serialize()
	if err != nil {
		return err
	}
	size := int64(len(module) + len(key))
	if c.limit > 0 && size > c.limit {
		return fmt.Errorf("a module of %d bytes does not fit in %s, which may take %d", size, c.dir, c.limit)
	}
	if err := mayWrite(size); err != nil {
		return fmt.Errorf("%s: %w", c.dir, err)
	}
	temporary, err := temporaryName(key)
	if err != nil {
		return err
	}
	if err := writeFile(root, temporary, module, key[:]); err != nil {
		_ = root.Remove(temporary)
		return fmt.Errorf("%s: %w", c.dir, err)
	}
	if err := root.Rename(temporary, key.fileName()); err != nil {
		_ = root.Remove(temporary)
		return fmt.Errorf("%s: %w", c.dir, err)
	}
	c.sweep(root, key.fileName())
	return nil
}

// temporaryExtension ends the names of files that are being written.
const temporaryExtension = ".temporary"

// temporaryName returns a name that nobody else uses.
func temporaryName(key Key) (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(key[:8]) + "-" + hex.EncodeToString(random[:]) + temporaryExtension, nil
}

// writeFile writes a new file, for its owner alone.
func writeFile(root *os.Root, name string, parts ...[]byte) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := file.Write(part); err != nil {
			_ = file.Close()
			return err
		}
	}
	return file.Close()
}

// isModule reports whether a name is that of a file with a module.
func isModule(name string) bool {
	digits, ok := strings.CutSuffix(name, extension)
	_, err := hex.DecodeString(digits)
	return ok && err == nil && len(digits) == 2*len(Key{})
}

// isTemporary reports whether a name is that of a file that is being written.
func isTemporary(name string) bool {
	name, ok := strings.CutSuffix(name, temporaryExtension)
	return ok && len(name) == 33 && name[16] == '-'
}

// list returns the files of ours in the folder.
func list(root *os.Root) ([]fs.FileInfo, error) {
	folder, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	var files []fs.FileInfo
	for {
		entries, err := folder.ReadDir(256)
		for _, entry := range entries {
			if !isModule(entry.Name()) && !isTemporary(entry.Name()) || !entry.Type().IsRegular() {
				continue
			}
			if info, err := entry.Info(); err == nil { // otherwise it was removed meanwhile
				files = append(files, info)
			}
		}
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
