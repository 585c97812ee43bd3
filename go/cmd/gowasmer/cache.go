package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// cacheVariable names the folder with compiled modules in the environment, or is "off".
const cacheVariable = "GOWASMER_CACHE"

// cacheOption returns the option of the compiler about the cache. A folder that was named has to
// work; the user's own is used if it does.
func (o *settings) cacheOption() (wasmer.CompileOption, error) {
	dir, named := o.cacheDir()
	if dir == "" {
		return wasmer.CompileOption{}, nil
	}
	cache, err := wasmer.OpenCache(dir)
	if err != nil && named {
		return wasmer.CompileOption{}, err
	}
	return wasmer.WithCache(cache), nil
}

// cacheDir returns the folder of the cache, or nothing if there is to be none, and whether somebody
// has named it.
func (o *settings) cacheDir() (dir string, named bool) {
	fromEnvironment := os.Getenv(cacheVariable)
	switch {
	case o.noCache:
		return "", false
	case o.cache != "":
		return o.cache, true
	case fromEnvironment == "off":
		return "", false
	case fromEnvironment != "":
		return fromEnvironment, true
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", false
	}
	return filepath.Join(user, "gowasmer"), false
}

// cacheOptions are the options about the cache.
func (o *settings) cacheOptions() []option {
	return []option{
		o.cacheDirOption(),
		switchOption("no-cache", "compile the module, and do not keep what comes of it", func(on bool) { o.noCache = on }),
	}
}

func (o *settings) cacheDirOption() option {
	return option{
		name: "cache", value: "DIR", files: "directories",
		usage: "keep compiled modules in this folder, which is created if there is none; by default gowasmer in the user's " +
			"cache folder. Nobody else may write to it",
		set: func(value string) error {
			if value == "" {
				return usagef("--cache takes the name of a folder, given an empty one")
			}
			o.cache = value
			return nil
		},
	}
}

// cacheCommand shows or clears the cache.
func cacheCommand(o *settings, arguments []string, s streams) error {
	what := "show"
	switch {
	case len(arguments) > 1:
		return usagef("cache takes one of show and clear, given %d arguments", len(arguments))
	case len(arguments) == 1:
		what = arguments[0]
	}
	if what != "show" && what != "clear" {
		return usagef("cache takes one of show and clear, given %q", what)
	}
	dir, _ := o.cacheDir()
	if dir == "" {
		_, err := fmt.Fprintln(s.out, "there is no cache")
		return err
	}
	if _, err := os.Stat(dir); os.IsNotExist(err) { // to be shown, it need not be created
		_, err := fmt.Fprintf(s.out, "%s: no modules\n", dir)
		return err
	}
	cache, err := wasmer.OpenCache(dir)
	if err != nil {
		return err
	}
	modules, bytes, err := cache.Size()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %s, %s", cache.Dir(), plural(modules, "module"), formatBytes(uint64(bytes)))
	if what == "clear" {
		if err := cache.Clear(); err != nil {
			return err
		}
		text += ", removed"
	}
	_, err = fmt.Fprintln(s.out, text)
	return err
}

// plural returns a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
