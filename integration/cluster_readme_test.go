package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeCluster does what the section "A cluster" of README.md says: its lines
// "$ rldb ..." are started, each as in a terminal of its own, and then its lines
// "$ redis-cli ..." are run. Only the ports are others.
func TestReadmeCluster(t *testing.T) {
	if subjectIsRedis() {
		t.Skip("the subject is redis-server")
	}
	page, err := os.ReadFile("../README.md")
	must(t, err)
	_, section, found := strings.Cut(string(page), "\n## A cluster\n")
	section, _, more := strings.Cut(section, "\n## ")
	if !found || !more {
		t.Fatal("README.md has no section about clusters")
	}
	var replace []string
	ports := map[string]string{}
	for i := 1; i <= 3; i++ {
		old, port := fmt.Sprintf("400%d", i), fmt.Sprint(clusterPort(t))
		ports[old] = port
		replace = append(replace, old, port)
	}
	ported := strings.NewReplacer(replace...)

	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "conf"), 0o755))
	samples, err := filepath.Glob("../conf/cluster_node_*.json")
	must(t, err)
	for _, sample := range samples {
		text, err := os.ReadFile(sample)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "conf", filepath.Base(sample)), []byte(ported.Replace(string(text))), 0o644))
	}
	var list []example
	started := 0
	for _, block := range fence.FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(block[2]) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			switch {
			case isCommand && strings.HasPrefix(command, "rldb "):
				started++
				cmd := exec.Command(subjectPath(t, true), strings.Fields(command)[1:]...)
				cmd.Dir, cmd.Env = dir, childEnv()
				p := startProcess(t, strings.TrimSpace(command), "127.0.0.1:"+ports[fmt.Sprintf("400%d", started)], cmd)
				if err := p.waitReady(); err != nil || p.exited() {
					t.Fatalf("%s: %v\n%s", command, err, p.log)
				}
			case isCommand:
				list = append(list, example{command: ported.Replace(strings.TrimSpace(command))})
			default:
				list[len(list)-1].output += line
			}
		}
	}
	if started != 3 || len(list) < 4 {
		t.Fatalf("the section starts %d nodes and has %d commands", started, len(list))
	}
	path := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %s --no-raw \"$@\"\n", needProgram(t, "redis-cli"))
	must(t, os.WriteFile(filepath.Join(path, "redis-cli"), []byte(script), 0o755))
	for _, e := range list {
		// A node that has just joined is given its slots within a moment.
		eventually(t, agreeLimit, e.command, func() error {
			cmd := exec.Command("bash", "-c", e.command)
			cmd.Env = append(childEnv(), "PATH="+path+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || !e.matches(string(out)) {
				return fmt.Errorf("it prints (%w)\n%sinstead of\n%s", err, out, e.output)
			}
			return nil
		})
	}
}
