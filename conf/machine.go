package conf

import (
	"math"
	"path"
	"strconv"
	"strings"
)

// MachineMemory is how many bytes of memory this process may use: the
// machine's, or what its control groups leave it. 0 means unknown, as on
// systems without /proc. readFile reads a file whole, as os.ReadFile does.
func MachineMemory(readFile func(string) ([]byte, error)) int64 {
	least := int64(math.MaxInt64)
	if total := memTotal(readFile); total > 0 {
		least = total
	}
	for _, file := range limitFiles(readFile) {
		text, err := readFile(file)
		if err != nil {
			continue
		}
		// "max" (version 2) does not parse; version 1 says "no limit" with a
		// number larger than any machine, which the minimum drops.
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	// Version 1's "no limit", alone, is not an amount of memory.
	if least >= math.MaxInt64>>20<<20 {
		return 0
	}
	return least
}

func memTotal(readFile func(string) ([]byte, error)) int64 {
	text, err := readFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MemTotal:" {
			continue
		}
		kib, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || kib < 0 || kib > math.MaxInt64>>10 {
			return 0
		}
		return kib << 10
	}
	return 0
}

// limitFiles lists the files that may hold a limit: those of the process's own
// group and of every group above it, whose limits hold as well. Inside a
// container the upper ones are often all that can be seen.
func limitFiles(readFile func(string) ([]byte, error)) []string {
	groups, _ := readFile("/proc/self/cgroup")
	files := []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // id:controllers:path
		if len(f) != 3 {
			continue
		}
		root, name := "/sys/fs/cgroup", "memory.max"
		if f[1] != "" { // version 1 names its controllers
			if !strings.Contains(","+f[1]+",", ",memory,") {
				continue
			}
			root, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Clean("/" + f[2]); dir != "/"; dir = path.Dir(dir) {
			files = append(files, path.Join(root, dir, name))
		}
	}
	return files
}
