package integration

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// burstLimit is the time that a missing reply of a burst costs.
const burstLimit = 10 * time.Second

// burst is a step for commands of which each may have none or many replies: it
// sends them, then PING with a word of its own, and compares all that comes
// until both servers have answered that.
func burst(on int, words string, commands ...[]string) step {
	var request []byte
	for _, args := range commands {
		request = appendCommand(request, args...)
	}
	return burstRaw(on, words, request)
}

// burstRaw is burst for bytes.
func burstRaw(on int, words string, request []byte) step {
	return step{on: on, args: strings.Fields(words), check: func(ref, sub client) string {
		ping := "burst-end"
		all := appendCommand(append([]byte(nil), request...), "PING", ping)
		want, err := readUntil(ref[on], all, ping)
		if err != nil {
			return "redis-server: " + err.Error()
		}
		got, err := readCount(sub[on], all, len(want))
		if why := diffBurst(want, got, ping); why != "" {
			return fmt.Sprintf("%.500q: %s", request, why)
		}
		if err != nil {
			return fmt.Sprintf("%.500q: after %d of %d replies: %v", request, len(got), len(want), err)
		}
		return ""
	}}
}

// readUntil reads frames up to the one that holds the word.
func readUntil(c *conn, request []byte, word string) ([]frame, error) {
	if err := c.send(request); err != nil {
		return nil, err
	}
	var frames []frame
	for {
		f, err := c.readWithin(burstLimit)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
		if bytes.Contains(f.raw, []byte(word)) {
			return frames, nil
		}
	}
}

// readCount reads n frames: where messages and replies come from different
// connections, a message may come behind the reply to PING.
func readCount(c *conn, request []byte, n int) ([]frame, error) {
	if err := c.send(request); err != nil {
		return nil, err
	}
	var frames []frame
	for len(frames) < n {
		f, err := c.readWithin(burstLimit)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}

func (c *conn) readWithin(limit time.Duration) (frame, error) {
	c.SetReadDeadline(time.Now().Add(limit))
	return readFrame(c.r)
}

// diffBurst compares in order, except that the reply to PING may stand anywhere
// and that the names of UNSUBSCRIBE without names come in any order.
func diffBurst(want, got []frame, ping string) string {
	a, namesA := burstLines(want, ping)
	b, namesB := burstLines(got, ping)
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("one reply too many: %.300q", b[i])
		case i >= len(b):
			return fmt.Sprintf("a reply is missing: %.300q", a[i])
		case a[i] != b[i]:
			return fmt.Sprintf("reply %d is %.300q and %.300q", i+1, a[i], b[i])
		}
	}
	return diffSets(namesA, namesB)
}

// burstLines are the replies, with the PING's last, and apart from them the
// channel names of unsubscriptions.
func burstLines(frames []frame, ping string) (lines, names []string) {
	last := ""
	for _, f := range frames {
		switch {
		case bytes.Contains(f.raw, []byte(ping)):
			last = string(f.raw)
		case len(f.elems) == 3 && strings.HasSuffix(f.elems[0].str(), "unsubscribe"):
			names = append(names, string(f.elems[1].raw))
			lines = append(lines, string(f.kind)+string(f.elems[0].raw)+string(f.elems[2].raw))
		default:
			lines = append(lines, string(f.raw))
		}
	}
	return append(lines, last), names
}
