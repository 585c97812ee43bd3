package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// describeMachine says what a reader needs to judge the values by.
func describeMachine(root string) map[string]string {
	m := map[string]string{
		"cpu":      field("/proc/cpuinfo", "model name"),
		"cpus":     fmt.Sprint(runtime.NumCPU()),
		"memory":   field("/proc/meminfo", "MemTotal"),
		"platform": runtime.GOOS + "/" + runtime.GOARCH,
		"go":       output("go", "env", "GOVERSION"),
		"clang":    firstLine(output("clang", "--version")),
		"kernel":   output("uname", "-sr"),
		"commit":   output("git", "-C", root, "describe", "--always", "--dirty"),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m["load at start"] = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return m
}

func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func output(name string, args ...string) string {
	text, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}
