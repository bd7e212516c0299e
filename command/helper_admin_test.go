package command

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// adminNode is a whole node that listens on a port of its own.
type adminNode struct {
	t        testing.TB
	srv      *Server
	store    *replica.Store
	config   *adminConfig
	addr     string
	shutdown chan struct{} // what SHUTDOWN did
}

func startAdminNode(t testing.TB, change ...func(*Settings)) *adminNode {
	t.Helper()
	return startAdminNodeIn(t, nil, change...)
}

// startAdminNodeIn starts one that is part of a cluster, if that is not nil.
func startAdminNodeIn(t testing.TB, cluster Cluster, change ...func(*Settings)) *adminNode {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &adminNode{t: t, shutdown: make(chan struct{}, 1)}
	n.store = openTestStore(testEngine())
	set := Settings{MaxBulk: 512 << 20, MaxQuery: 1 << 30, SlowlogThan: -1, SlowlogMax: 128, RedisVersion: "7.2.4"}
	for _, f := range change {
		f(&set)
	}
	n.config = &adminConfig{values: [][2]string{{"maxclients", "10000"}, {"maxmemory", "0"}, {"port", "7777"}}}
	options, end := coordinate(Options{Store: n.store, Config: n.config, Settings: set, Engine: "memory", Version: "0.0.1",
		Port: func() int { return 7777 }, File: "/etc/rldb.json", Log: log, Cluster: cluster,
		Shutdown: func() { n.shutdown <- struct{}{} }})
	n.srv = New(options)
	front, err := resp.New(adminHandler{n.srv}, resp.Options{Loops: 1, Limits: resp.DefaultLimits(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	n.srv.Attach(front)
	at, err := front.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = at.String()
	t.Cleanup(func() {
		front.Close()
		n.srv.Wait()
		end()
		n.store.Close()
	})
	return n
}

// adminHandler adds two commands: one switches to RESP3, one names the client.
// So these tests do not need HELLO and CLIENT.
type adminHandler struct{ *Server }

func (h adminHandler) NewWorker() resp.Worker { return adminWorker{h.Server.NewWorker()} }

type adminWorker struct{ resp.Worker }

func (w adminWorker) Do(s *resp.Session, args [][]byte) resp.Verdict {
	switch string(args[0]) {
	case "RESP3":
		s.SetProto(3)
	case "NAME":
		clientOf(s).name = string(args[1])
	default:
		return w.Worker.Do(s, args)
	}
	s.Writer().OK()
	return resp.Done
}

// adminConfig is a configuration of a few settings.
type adminConfig struct {
	mu     sync.Mutex // guards what follows
	values [][2]string
}

func (c *adminConfig) Get(patterns ...string) (found [][2]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.values {
		for _, p := range patterns {
			if ok, _ := path.Match(p, v[0]); ok {
				found = append(found, v)
				break
			}
		}
	}
	return found
}

func (c *adminConfig) TrySet(pairs [][2]string) (bool, error) { return true, c.Set(pairs) }

func (c *adminConfig) Set(pairs [][2]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range pairs {
		if p[0] == "broken" {
			return errors.New("CONFIG SET failed (possibly related to argument 'broken') - line\nbreak")
		}
		if strings.HasPrefix(p[0], "unknown") {
			return errors.New("no '" + p[0] + "' here")
		}
		c.values = append(c.values, p)
	}
	return nil
}

func (c *adminConfig) Rewrite() error {
	return errors.New("The server is running without a config file")
}

// adminClient is a connection to an adminNode.
type adminClient struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func (n *adminNode) dial(proto int) *adminClient {
	n.t.Helper()
	c, err := net.Dial("tcp", n.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(5 * time.Minute))
	x := &adminClient{n.t, c, bufio.NewReader(c)}
	if proto == 3 {
		x.do("RESP3")
	}
	return x
}

// do sends words and returns the reply's bytes.
func (x *adminClient) do(words ...string) string {
	x.t.Helper()
	x.send(words...)
	reply, err := x.read()
	if err != nil {
		x.t.Fatalf("%q: %v", words, err)
	}
	return reply
}

func (x *adminClient) send(words ...string) {
	x.t.Helper()
	b := []byte("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, w := range words {
		b = append(b, "$"+strconv.Itoa(len(w))+"\r\n"+w+"\r\n"...)
	}
	if _, err := x.c.Write(b); err != nil {
		x.t.Fatal(err)
	}
}

// read reads one reply.
func (x *adminClient) read() (string, error) {
	line, err := x.r.ReadString('\n')
	if err != nil {
		return line, err
	}
	n, numErr := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch line[0] {
	case '$', '=':
		if numErr != nil || n < 0 {
			return line, numErr
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(x.r, body)
		return line + string(body), err
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return line, nil
	}
	for range n {
		part, err := x.read()
		if line += part; err != nil {
			return line, err
		}
	}
	return line, nil
}

// text is the content of a bulk or verbatim reply.
func (x *adminClient) text(words ...string) string {
	x.t.Helper()
	reply := x.do(words...)
	_, body, ok := strings.Cut(reply, "\r\n")
	if !ok || reply[0] != '$' && reply[0] != '=' {
		x.t.Fatalf("%q: %q is no text", words, reply)
	}
	return strings.TrimPrefix(strings.TrimSuffix(body, "\r\n"), "txt:")
}

// flatReply shows a reply without lengths: what the tests compare where they do not
// care about bytes.
func flatReply(reply string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(reply, "\r\n"), "\r\n") {
		if line != "" && !strings.ContainsRune("$*%~>=", rune(line[0])) {
			out = append(out, strings.TrimPrefix(line, "+"))
		}
	}
	return out
}

// adminCase is a command and its reply; three is RESP3's where it differs.
type adminCase struct{ cmd, two, three string }

// runAdminCases sends commands, words divided by spaces (” is an empty word), and
// compares the replies' bytes.
func runAdminCases(t *testing.T, cases []adminCase, change ...func(*Settings)) {
	t.Helper()
	for _, proto := range []int{2, 3} {
		c := startAdminNode(t, change...).dial(proto)
		for _, tc := range cases {
			want := tc.two
			if proto == 3 && tc.three != "" {
				want = tc.three
			}
			if got := c.do(adminWords(tc.cmd)...); got != want {
				t.Errorf("RESP%d %s\n got %q\nwant %q", proto, tc.cmd, got, want)
			}
		}
	}
}

func adminWords(line string) []string {
	words := strings.Split(line, " ")
	for i := range words {
		if words[i] == "''" {
			words[i] = ""
		}
	}
	return words
}
