// Package preempt reports whether Go stops goroutines by signals in this program.
//
// Guests, and the engine's own long functions, are paused by the signal that Go sends to a thread
// whose goroutine shall yield. A program can switch that signal off; then what runs for long must
// not hold a processor of Go, or the garbage collector would wait for it.
package preempt

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

var (
	// Off says that the settings which can be read switch the signal off.
	Off bool
	// Known says that all settings can be read. Flags of the linker cannot, where a program was
	// built with -trimpath or without the go command: then only trying tells.
	Known bool
)

func init() {
	info, ok := debug.ReadBuildInfo()
	settings, known := builtDefault(info, ok)
	Off, Known = isOff(settings, os.Getenv("GODEBUG")), known
}

// builtDefault returns the settings of GODEBUG that were linked into the program, by go.mod, a
// //go:debug line, or -ldflags '-X runtime.godebugDefault=...', and whether these are all.
func builtDefault(info *debug.BuildInfo, ok bool) (settings string, known bool) {
	if !ok {
		return "", false
	}
	known = true
	var linked string
	for _, setting := range info.Settings {
		switch setting.Key {
		case "DefaultGODEBUG":
			settings += setting.Value + ","
		case "-ldflags":
			linked = linkedDefault(setting.Value)
		case "-trimpath":
			known = setting.Value != "true"
		}
	}
	return settings + linked, known
}

// linkedDefault returns the settings that flags of the linker set; they replace those of the
// sources.
func linkedDefault(flags string) string {
	const name = "runtime.godebugDefault="
	at := strings.LastIndex(flags, name)
	if at < 0 {
		return ""
	}
	value := flags[at+len(name):]
	if end := strings.IndexAny(value, " '\""); end >= 0 {
		value = value[:end]
	}
	return value
}

// isOff reads settings as the runtime does (parseRuntimeDebugVars): later ones replace earlier
// ones, a number that it cannot read is passed over, and asyncpreemptoff is what gccheckmark
// implies.
func isOff(settings ...string) bool {
	values := map[string]int64{}
	for _, list := range settings {
		for setting := range strings.SplitSeq(list, ",") {
			key, value, _ := strings.Cut(setting, "=")
			if number, err := strconv.ParseInt(value, 10, 32); err == nil {
				values[key] = number
			}
		}
	}
	return values["asyncpreemptoff"] != 0 || values["gccheckmark"] > 0
}
