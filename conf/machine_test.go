package conf

import (
	"io/fs"
	"os"
	"testing"
)

func TestMachineMemory(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree: 1 kB\n"
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing known", nil, 0},
		{"no groups", map[string]string{"/proc/meminfo": meminfo}, 8000000 << 10},
		{"not a number", map[string]string{"/proc/meminfo": "MemTotal: x kB\n"}, 0},
		{"version 2, in a container", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "1000\n",
		}, 1000},
		{"version 2, no limit", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n",
		}, 8000000 << 10},
		{"version 2, the group above is narrower", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "3000", "/sys/fs/cgroup/a/memory.max": "2000",
		}, 2000},
		{"version 1", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "5:cpu:/x\n4:hugetlb,memory:/a\n",
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, 4000},
		{"version 1, no limit and no meminfo", map[string]string{
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, 0},
		{"a path that climbs", map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/../..\nrubbish\n"}, 8000000 << 10},
	}
	for _, tt := range tests {
		read := func(name string) ([]byte, error) {
			text, ok := tt.files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		}
		if got := MachineMemory(read); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if MachineMemory(os.ReadFile) < 0 {
		t.Error("this machine has less than no memory")
	}
}
