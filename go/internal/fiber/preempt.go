package fiber

import (
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// forceC is set where Go does not preempt by signals: an endless guest entered by assembly would block the garbage collector,
// whereas cgo frees the P.
var forceC = preemptionIsOff(builtDefault(), os.Getenv("GODEBUG"))

// builtDefault returns the settings of GODEBUG that were linked into the program, by go.mod, a //go:debug line, or
// -ldflags '-X runtime.godebugDefault=...', as far as the program knows how it was built: a build with -trimpath does not say its -ldflags.
func builtDefault() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var settings string
	for _, setting := range info.Settings {
		switch setting.Key {
		case "DefaultGODEBUG":
			settings += setting.Value + ","
		case "-ldflags":
			settings += linkedDefault(setting.Value) + ","
		}
	}
	return settings
}

// linkedDefault returns the settings that flags of the linker set; they replace those of the sources.
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

// preemptionIsOff reads settings as the runtime does (parseRuntimeDebugVars): later ones replace earlier ones, a number that it cannot read is passed
// over, and asyncpreemptoff is what gccheckmark implies.
func preemptionIsOff(settings ...string) bool {
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

// EnsurePauses makes Go send its preemption signal again where the program has ignored it by signal.Ignore: Go's runtime then takes the first one as
// pending for ever and sends no other, and an endless guest could not be paused. Call it before each instantiation, which puts the engine's
// handler back.
func EnsurePauses() {
	if signal.Ignored(syscall.SIGURG) {
		unused := make(chan os.Signal, 1)
		signal.Notify(unused, syscall.SIGURG) // puts Go's handler back
		signal.Stop(unused)                   // which leaves it there
	}
}
