package resp

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// meter measures one window after the other.
type meter struct {
	runners []*runner
	slept   []int64 // of each runner, at the last look
	at      int64   // when that was, by sinceStart
	cpu     int64   // what the process had used then, ns
	idle    int64   // what the machine had had to spare then, ns; -1: not known

	traffic func() int64 // bytes received and sent since the start
	bytes   int64        // what it was then
}

func newMeter(runners []*runner, traffic func() int64) *meter {
	m := &meter{runners: runners, slept: make([]int64, len(runners)), idle: -1, traffic: traffic}
	m.window(len(runners))
	return m
}

// window is what was used since the last call, of which the first `active`
// runners served.
func (m *meter) window(active int) usage {
	now := sinceStart()
	span := float64(max(now-m.at, 1))
	m.at = now
	var u usage
	for i, r := range m.runners {
		slept := r.sleptUntil(now)
		if i < active {
			u.busiest = max(u.busiest, 1-float64(slept-m.slept[i])/span)
		}
		m.slept[i] = slept
	}
	bytes := m.traffic()
	u.work = float64(bytes-m.bytes) / span * float64(time.Second)
	m.bytes = bytes
	cpu := processTime()
	u.cpu = float64(cpu-m.cpu) / span
	m.cpu = cpu
	// The machine's figures cost a file to read: only a busy node looks at them.
	if u.busiest < saturated/2 {
		m.idle = -1
		return u
	}
	idle := idleTime()
	if m.idle >= 0 && idle >= 0 {
		u.idle = float64(idle-m.idle) / span
	}
	m.idle = idle
	return u
}

// processTime is the CPU time that this process has used, ns.
func processTime() int64 {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return ru.Utime.Nano() + ru.Stime.Nano()
}

// idleTime is the time that the machine's cores were idle, or spent on what
// has asked for low priority, ns; -1 if it cannot be found out.
func idleTime() int64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	// cpu  user nice system idle iowait …, in hundredths of a second (proc(5))
	line, _, _ := bytes.Cut(text, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) < 6 || string(words[0]) != "cpu" {
		return -1
	}
	var ticks int64
	for _, i := range []int{2, 4, 5} {
		n, err := strconv.ParseInt(string(words[i]), 10, 64)
		if err != nil {
			return -1
		}
		ticks += n
	}
	return ticks * int64(10*time.Millisecond)
}
