package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// cpuTimes is what all cores did since the machine started.
type cpuTimes struct{ busy, steal time.Duration }

// parseStat reads the first line of /proc/stat. Interrupts are left out of busy:
// some kernels count them to the process that they interrupt, too.
func parseStat(text string) (cpuTimes, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return cpuTimes{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	var ticks [9]time.Duration // user nice system idle iowait irq softirq steal
	for i := 1; i < len(ticks); i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return cpuTimes{}, fmt.Errorf("/proc/stat: %w", err)
		}
		ticks[i] = time.Duration(n)
	}
	return cpuTimes{busy: (ticks[1] + ticks[2] + ticks[3]) * tick, steal: ticks[8] * tick}, nil
}

// process is what /proc/PID/stat tells of one.
type process struct {
	name     string
	parent   int
	own      time.Duration // CPU time
	children time.Duration // of those it has waited for
}

// parsePidStat reads /proc/PID/stat. The name, in parentheses, may hold anything.
func parsePidStat(text string) (process, error) {
	open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || shut < open {
		return process{}, fmt.Errorf("/proc/PID/stat is %q", text)
	}
	fields := strings.Fields(text[shut+1:])
	if len(fields) < 15 {
		return process{}, fmt.Errorf("/proc/PID/stat is %q", text)
	}
	var n [5]int // parent, user, system, children's user, children's system
	for i, at := range []int{1, 11, 12, 13, 14} {
		var err error
		if n[i], err = strconv.Atoi(fields[at]); err != nil {
			return process{}, fmt.Errorf("/proc/PID/stat: %w", err)
		}
	}
	return process{
		name: text[open+1 : shut], parent: n[0],
		own: time.Duration(n[1]+n[2]) * tick, children: time.Duration(n[3]+n[4]) * tick,
	}, nil
}

// kthreadd is the parent of the kernel's threads. They work for everybody, the
// loopback's traffic included.
const kthreadd = 2

// processes lists all but the kernel's.
func processes() (map[int]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == kthreadd {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it ended meanwhile
		}
		if p, err := parsePidStat(string(text)); err == nil && p.parent != kthreadd {
			all[pid] = p
		}
	}
	return all, nil
}

// kilobytes finds "NAME:  123 kB" in a file of /proc, in bytes, 0 if missing.
func kilobytes(text, name string) int64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == name+":" {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// residentBytes is a process's VmRSS.
func residentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kilobytes(string(text), "VmRSS"), nil
}

// moment is the CPU time used so far, by whom.
type moment struct {
	at             time.Time
	all            cpuTimes
	server, client time.Duration
	others         map[int]process
}

// now takes a moment; the client is this process and the children it has waited for.
func now(servers ...int) (moment, error) {
	all, err := parseStat(readAll("/proc/stat"))
	if err != nil {
		return moment{}, err
	}
	others, err := processes()
	if err != nil {
		return moment{}, err
	}
	var used time.Duration
	for _, server := range servers {
		srv, ok := others[server]
		if !ok {
			return moment{}, errors.New("the server is gone")
		}
		used += srv.own
		delete(others, server)
	}
	delete(others, os.Getpid())
	var client time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return moment{}, err
		}
		client += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return moment{at: time.Now(), all: all, server: used, client: client, others: others}, nil
}
