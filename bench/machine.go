package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says on what the figures were measured.
type machine struct {
	Cores   int    `json:"cores"`
	CPU     string `json:"cpu"`
	Memory  int64  `json:"memory_bytes"`
	Kernel  string `json:"kernel"`
	Load    string `json:"load_at_start"`
	Go      string `json:"go"`
	Redis   string `json:"redis_server"`
	Commit  string `json:"commit"`
	Changed bool   `json:"changed_since_commit"`
}

func (m machine) String() string {
	changed := ""
	if m.Changed {
		changed = ", changed since"
	}
	return fmt.Sprintf("# %d cores (%s), %.1f GB, Linux %s, %s, redis-server %s, commit %.12s%s",
		m.Cores, m.CPU, float64(m.Memory)/(1<<30), m.Kernel, m.Go, m.Redis, m.Commit, changed)
}

func machineFacts(ctx context.Context, root, redis string) machine {
	m := machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), Memory: memInfo("MemTotal"),
		CPU: "unknown", Redis: "unknown", Commit: "unknown",
		Kernel: readLine("/proc/sys/kernel/osrelease"), Load: readLine("/proc/loadavg"),
	}
	for line := range strings.Lines(readAll("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	if text, err := output(ctx, root, redis, "--version"); err == nil {
		for field := range strings.FieldsSeq(text) {
			if v, ok := strings.CutPrefix(field, "v="); ok {
				m.Redis = v
			}
		}
	}
	if hash, err := output(ctx, root, "git", "rev-parse", "HEAD"); err == nil {
		m.Commit = hash
		status, err := output(ctx, root, "git", "status", "--porcelain")
		m.Changed = err != nil || status != ""
	}
	return m
}

// memInfo gives a line of /proc/meminfo in bytes, 0 if there is none.
func memInfo(name string) int64 {
	return kilobytes(readAll("/proc/meminfo"), name)
}

func readAll(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(data)
}

func readLine(path string) string { return strings.TrimSpace(readAll(path)) }

// output runs a command and gives what it printed.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
