package preempt

import (
	"runtime/debug"
	"testing"
)

// The setting is read as the runtime reads it: any number but 0 switches preemption off, the last
// one holds, and what is no number is passed over.
func TestIsOff(t *testing.T) {
	for godebug, off := range map[string]bool{
		"":                                       false,
		"asyncpreemptoff":                        false,
		"asyncpreemptoff=0":                      false,
		"asyncpreemptoff=1":                      true,
		"asyncpreemptoff=2":                      true,
		"asyncpreemptoff=-1":                     true,
		"asyncpreemptoff=01":                     true,
		"asyncpreemptoff=x":                      false,
		"asyncpreemptoff=4294967296":             false,
		"asyncpreemptoff=1,asyncpreemptoff=x":    true,
		"asyncpreemptoff=1,asyncpreemptoff=0":    false,
		"gctrace=1,asyncpreemptoff=1,cgocheck=1": true,
		" asyncpreemptoff=1":                     false,
		"gccheckmark=1":                          true,
		"gccheckmark=1,asyncpreemptoff=0":        true,
		"gccheckmark=-1":                         false,
	} {
		if got := isOff(godebug); got != off {
			t.Errorf("GODEBUG=%q: off is %v, expected %v", godebug, got, off)
		}
	}
	if !isOff("asyncpreemptoff=1", "gctrace=1") {
		t.Error("what was linked in is lost")
	}
	if isOff("asyncpreemptoff=1", "asyncpreemptoff=0") {
		t.Error("the environment does not come last")
	}
}

func TestLinkedDefault(t *testing.T) {
	for flags, want := range map[string]string{
		"":      "",
		"-s -w": "",
		"-X runtime.godebugDefault=asyncpreemptoff=1":                        "asyncpreemptoff=1",
		"-s -X runtime.godebugDefault=gctrace=1,asyncpreemptoff=1 -w":        "gctrace=1,asyncpreemptoff=1",
		"-X 'runtime.godebugDefault=asyncpreemptoff=1'":                      "asyncpreemptoff=1",
		"-X runtime.godebugDefault=a=1 -X=runtime.godebugDefault=gctrace=10": "gctrace=10",
	} {
		if got := linkedDefault(flags); got != want {
			t.Errorf("%q: got %q, want %q", flags, got, want)
		}
	}
}

// What a build says of itself, and whether that is all.
func TestBuiltDefault(t *testing.T) {
	setting := func(pairs ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	for _, test := range []struct {
		info  *debug.BuildInfo
		ok    bool
		off   bool
		known bool
	}{
		{nil, false, false, false},
		{setting(), true, false, true},
		{setting("-trimpath", "true"), true, false, false},
		{setting("-trimpath", "true", "DefaultGODEBUG", "asyncpreemptoff=1"), true, true, false},
		{setting("-ldflags", "-X runtime.godebugDefault=asyncpreemptoff=1"), true, true, true},
		{setting("-ldflags", "-X runtime.godebugDefault=asyncpreemptoff=0", "DefaultGODEBUG", "asyncpreemptoff=1"), true, false, true},
	} {
		settings, known := builtDefault(test.info, test.ok)
		if off := isOff(settings); off != test.off || known != test.known {
			t.Errorf("%+v: off is %v and known is %v, expected %v and %v", test.info, off, known, test.off, test.known)
		}
	}
}
