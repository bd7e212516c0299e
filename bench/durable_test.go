package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDurableSubjects(t *testing.T) {
	b := &bench{opt: options{rldbArgs: [][]string{nil, {"--io-threads", "2"}}}}
	own := b.bitcasks(always)
	if len(own) != 2 || own[0].name != "rldb, bitcask" || own[1].name != "rldb, bitcask --io-threads 2" {
		t.Errorf("the subjects are %v", own)
	}
	for _, s := range append(own, b.redisAOF(always)) {
		args := s.args(1234)
		if !slices.Contains(args, "1234") || !slices.Contains(args, always) || slices.Contains(args, "memory") {
			t.Errorf("%s is started with %q", s.name, args)
		}
	}
}

func TestFsyncTargets(t *testing.T) {
	for _, c := range []struct {
		fsync string
		shape shape
		want  target
	}{
		{everysec, shape{"SET", 1, 1}, target{ratioAtLeast, 1}},
		{everysec, shape{"SET", 16, 1}, target{ratioAtLeast, 1.8}},
		{everysec, shape{"SET", 64, 1}, target{ratioAtLeast, 2}},
		{everysec, shape{"SET", 4, 1}, target{}},
		{everysec, shape{"GET", 1, 1}, target{}},
		{always, shape{"SET", 64, 1}, target{ratioAtLeast, 1}},
		{always, shape{"GET", 64, 1}, target{}},
	} {
		if got := fsyncTarget(c.fsync, c.shape); got != c.want {
			t.Errorf("%s, %s: target %v, want %v", c.fsync, c.shape, got, c.want)
		}
	}
}

func TestFolderBytes(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"a": 10, "data/b": 1000, serverLog: 5} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("x", size)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := folderBytes(dir); n != 1010 || err != nil {
		t.Errorf("%d bytes, error %v, want 1010", n, err)
	}
}
