package cache

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// abandonedAfter is when a file that is still being written is taken for one whose writer has died.
const abandonedAfter = time.Hour

// sweep removes the files that were not used for the longest time, if all of them take more than
// the limit, until a tenth of it is free, but for the one to keep. Another process may do the same
// at the same time: what is gone is gone. A file that somebody reads at the moment stays there for
// them.
func (c *Cache) sweep(root *os.Root, keep string) {
	files, err := list(root)
	if err != nil {
		return
	}
	var total int64
	var modules []fs.FileInfo
	for _, file := range files {
		if isTemporary(file.Name()) {
			if time.Since(file.ModTime()) > abandonedAfter {
				_ = root.Remove(file.Name())
			} else {
				total += file.Size()
			}
			continue
		}
		total += file.Size()
		if file.Name() != keep {
			modules = append(modules, file)
		}
	}
	if c.limit == 0 || total <= c.limit {
		return
	}
	slices.SortFunc(modules, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, file := range modules {
		if total <= c.limit-c.limit/10 {
			return
		}
		err := root.Remove(file.Name())
		if err == nil {
			c.count(func(s *Stats) { s.Removed++ })
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= file.Size()
		}
	}
}

// Usage returns how many modules the folder has, and how many bytes all files of the cache take.
func (c *Cache) Usage() (modules int, bytes int64, err error) {
	err = c.each(func(_ *os.Root, file fs.FileInfo) error {
		if isModule(file.Name()) {
			modules++
		}
		bytes += file.Size()
		return nil
	})
	return modules, bytes, err
}

// Clear removes all modules. Files that are not of the cache stay.
func (c *Cache) Clear() error {
	return c.each(func(root *os.Root, file fs.FileInfo) error {
		if isTemporary(file.Name()) && time.Since(file.ModTime()) <= abandonedAfter {
			return nil // somebody is writing it
		}
		if err := root.Remove(file.Name()); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// each visits the files. A folder that has vanished has none.
func (c *Cache) each(visit func(*os.Root, fs.FileInfo) error) error {
	root, err := c.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	files, err := list(root)
	if err != nil {
		return folderError(c.dir, err)
	}
	for _, file := range files {
		if err := visit(root, file); err != nil {
			return folderError(c.dir, err)
		}
	}
	return nil
}
