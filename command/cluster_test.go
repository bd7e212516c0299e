package command

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// withOwners has each slot owned by its primary and the member after that.
func withOwners(o *TopologyOptions) {
	o.Owners = func(slot uint16) []int {
		p := o.Primary(slot)
		return []int{p, (p + 1) % 3}
	}
}

// bDown has member b down, and c in its stead.
func bDown(o *TopologyOptions) {
	primary := o.Primary
	o.Members[1].Health, o.Members[1].Reports = Down, 2
	o.Primary = func(slot uint16) int {
		if p := primary(slot); p != 1 {
			return p
		}
		return 2
	}
}

func bulkOf(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// verbatim is a text as both protocols have it.
func verbatim(cmd, text string) adminCase {
	return adminCase{cmd, bulkOf(text), fmt.Sprintf("=%d\r\ntxt:%s\r\n", len(text)+4, text)}
}

func TestClusterSlots(t *testing.T) {
	n, _ := startMember(t)
	entry := func(empty, host string, from, to, port int, id, meta string) string {
		if meta == "" {
			meta = empty
		}
		return fmt.Sprintf("*3\r\n:%d\r\n:%d\r\n*4\r\n%s:%d\r\n%s%s", from, to, bulkOf(host), port, bulkOf(id), meta)
	}
	all := func(empty, head string) string {
		return "*3\r\n" + entry(empty, "127.0.0.1", 0, 5460, 7001, memberA, "") +
			entry(empty, "b.example", 5461, 10921, 7002, memberB, head+bulkOf("hostname")+bulkOf("bee.example")) +
			entry(empty, "127.0.0.3", 10922, 16383, 7003, memberC, "")
	}
	n.play([]adminCase{
		{"cluster slots", all("*0\r\n", "*2\r\n"), all("%0\r\n", "%1\r\n")},
		{"cluster slots", all("*0\r\n", "*2\r\n"), all("%0\r\n", "%1\r\n")}, // from what was kept
		{"cluster slots x", arityReply("cluster|slots"), ""},
	})
	n.srv.SetTopology(threeMembers(2, memberA, bDown))
	two := func(empty string) string {
		return "*2\r\n" + entry(empty, "127.0.0.1", 0, 5460, 7001, memberA, "") +
			entry(empty, "127.0.0.3", 5461, 16383, 7003, memberC, "")
	}
	n.play([]adminCase{{"cluster slots", two("*0\r\n"), two("%0\r\n")}})
	n.srv.SetTopology(NewTopology(TopologyOptions{Self: Member{ID: memberA}}))
	n.play([]adminCase{{"cluster slots", "*0\r\n", ""}, {"cluster shards", "*0\r\n", ""}})
}

// TestSlotsReplicas: every primary is first shown alone, and every slot is covered
// once.
func TestSlotsReplicas(t *testing.T) {
	n, _ := startMember(t, func(s *Settings) { s.SlotsReplicas = true })
	n.srv.SetTopology(threeMembers(1, memberA, withOwners))
	c := n.dial(2)
	a, b, d := "127.0.0.1 :7001 "+memberA, "b.example :7002 "+memberB+" hostname bee.example", "127.0.0.3 :7003 "+memberC
	want := strings.Join([]string{
		":0 :0", a, ":5461 :5461", b, ":10922 :10922", d,
		":1 :5460", a, b, ":5462 :10921", b, d, ":10923 :16383", d, a}, " ")
	if got := strings.Join(flatReply(c.do("CLUSTER", "SLOTS")), " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	n.srv.SetTopology(threeMembers(2, memberA, withOwners, bDown))
	want = strings.Join([]string{
		":0 :0", a, ":5461 :5461", d, ":1 :5460", a, ":5462 :16383", d, a}, " ")
	if got := strings.Join(flatReply(c.do("CLUSTER", "SLOTS")), " "); got != want {
		t.Errorf("with one down: got %s\nwant %s", got, want)
	}
	n.srv.SetTopology(threeMembers(3, memberA))
	if got := c.do("CLUSTER", "SLOTS"); !strings.HasPrefix(got, "*3\r\n*3\r\n:0\r\n:5460\r\n*4\r\n") {
		t.Errorf("where no owners are known: %q", got)
	}
}

func TestClusterShards(t *testing.T) {
	n, _ := startMember(t)
	shard := func(m string, from, to int, fields int, rest string) string {
		return m + bulkOf("slots") + fmt.Sprintf("*2\r\n:%d\r\n:%d\r\n", from, to) + bulkOf("nodes") + "*1\r\n" +
			fmt.Sprintf("%%%d\r\n", fields) + rest
	}
	member := func(id, host string, port, tls int, hostname string) string {
		s := bulkOf("id") + bulkOf(id) + bulkOf("port") + fmt.Sprintf(":%d\r\n", port)
		if tls != 0 {
			s += bulkOf("tls-port") + fmt.Sprintf(":%d\r\n", tls)
		}
		s += bulkOf("ip") + bulkOf(host) + bulkOf("endpoint") + bulkOf(host)
		if hostname != "" {
			s += bulkOf("hostname") + bulkOf(hostname)
		}
		return s + bulkOf("role") + bulkOf("master") + bulkOf("replication-offset") + ":0\r\n" + bulkOf("health") + bulkOf("online")
	}
	three := "*3\r\n" + shard("%2\r\n", 0, 5460, 8, member(memberA, "127.0.0.1", 7001, 7101, "")) +
		shard("%2\r\n", 5461, 10921, 8, member(memberB, "b.example", 7002, 0, "bee.example")) +
		shard("%2\r\n", 10922, 16383, 8, member(memberC, "127.0.0.3", 7003, 7103, ""))
	two := strings.NewReplacer("%2\r\n", "*4\r\n", "%8\r\n", "*16\r\n").Replace(three)
	n.play([]adminCase{{"cluster shards", two, three}, {"cluster shards", two, three}})
	n.srv.SetTopology(threeMembers(2, memberA, bDown))
	if got := n.dial(2).do("CLUSTER", "SHARDS"); !strings.HasPrefix(got, "*2\r\n") || strings.Contains(got, memberB) {
		t.Errorf("with one down: %q", got)
	}
}

func TestClusterNodes(t *testing.T) {
	n, _ := startMember(t)
	heard := n.srv.topology.Load().changed.UnixMilli()
	n.play([]adminCase{verbatim("cluster nodes",
		memberA+" 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-5460\n"+
			memberB+" b.example:7002@17002,bee.example master - 0 "+fmt.Sprint(heard)+" 1 connected 5461-10921\n"+
			memberC+" 127.0.0.3:7003@17003 master - 0 "+fmt.Sprint(heard)+" 1 connected 10922-16383\n")})

	v := threeMembers(2, memberC, bDown, func(o *TopologyOptions) {
		o.Members[0].Health = Suspect
		primary := o.Primary
		o.Primary = func(slot uint16) int {
			if slot == 7 {
				return -1
			}
			return primary(slot)
		}
	})
	n.srv.SetTopology(v)
	heard = v.changed.UnixMilli()
	n.play([]adminCase{verbatim("cluster nodes",
		memberA+" 127.0.0.1:7001@17001 master,fail? - 0 "+fmt.Sprint(heard)+" 2 connected 0-6 8-5460\n"+
			memberB+" b.example:7002@17002,bee.example master,fail - 0 "+fmt.Sprint(heard)+" 2 disconnected\n"+
			memberC+" 127.0.0.3:7003@17003 myself,master - 0 0 2 connected 5461-16383\n")})

	n.srv.SetTopology(NewTopology(TopologyOptions{Self: Member{ID: memberA, Host: "h", Port: 1, BusPort: 2}}))
	n.play([]adminCase{
		verbatim("cluster nodes", memberA+" h:1@2 myself,master - 0 0 0 connected\n"),
		{"cluster myid", bulkOf(memberA), ""}, {"cluster myshardid", bulkOf(memberA), ""},
		{"get a", "-CLUSTERDOWN Hash slot not served\r\n", ""}, {"mget {a}a {a}b", "-CLUSTERDOWN Hash slot not served\r\n", ""},
		{"ping", "+PONG\r\n", ""}, {"dbsize", ":0\r\n", ""},
		{"cluster replicas " + memberA, "*0\r\n", ""}, {"cluster count-failure-reports " + memberA, ":0\r\n", ""},
	})
}

func TestClusterInfo(t *testing.T) {
	notByCoordinator(t, "TestFiguresOfCopies")
	n, _ := startMember(t)
	figures := func(state string, assigned, ok, pfail, fail, known, size, epoch int, own string) string {
		return fmt.Sprintf("cluster_state:%s\r\ncluster_slots_assigned:%d\r\ncluster_slots_ok:%d\r\ncluster_slots_pfail:%d\r\n"+
			"cluster_slots_fail:%d\r\ncluster_known_nodes:%d\r\ncluster_size:%d\r\ncluster_current_epoch:%d\r\n"+
			"cluster_my_epoch:%d\r\ncluster_stats_messages_sent:7\r\ncluster_stats_messages_received:8\r\n"+
			"total_cluster_links_buffer_limit_exceeded:0\r\n%s", state, assigned, ok, pfail, fail, known, size, epoch, epoch, own)
	}
	own := func(name, id string, epoch, alive, suspect, down, joining, draining, mine int) string {
		return fmt.Sprintf("rldb_cluster_name:%s\r\nrldb_cluster_id:%s\r\nrldb_view_epoch:%d\r\nrldb_members_alive:%d\r\n"+
			"rldb_members_suspect:%d\r\nrldb_members_down:%d\r\nrldb_members_joining:%d\r\nrldb_members_draining:%d\r\n"+
			"rldb_my_slots:%d\r\n", name, id, epoch, alive, suspect, down, joining, draining, mine)
	}
	ones := strings.Repeat("1", 40)
	n.play([]adminCase{verbatim("cluster info", figures("ok", 16384, 16384, 0, 0, 3, 3, 1, own("test", ones, 1, 3, 0, 0, 0, 0, 5461)))})
	n.play([]adminCase{verbatim("info cluster", "# Cluster\r\ncluster_enabled:1\r\nrldb_cluster_state:ok\r\n"+
		"rldb_cluster_slots_ok:16384\r\nrldb_cluster_known_nodes:3\r\n"+own("test", ones, 1, 3, 0, 0, 0, 0, 5461))})

	n.srv.SetTopology(threeMembers(5, memberA, func(o *TopologyOptions) {
		o.Members[1].Health, o.Members[0].Draining = Suspect, true
		o.Members[2].Health = Down
		o.Primary = func(slot uint16) int {
			switch {
			case slot < 10:
				return -1
			case slot < 110:
				return 1
			}
			return 0
		}
	}))
	n.play([]adminCase{verbatim("cluster info", figures("fail", 16384, 16274, 100, 10, 3, 2, 5, own("test", ones, 5, 1, 1, 1, 0, 1, 16274)))})

	n.srv.SetTopology(NewTopology(TopologyOptions{Self: Member{ID: memberA}, Members: []Member{{ID: memberA, Joining: true}}}))
	n.play([]adminCase{verbatim("cluster info", figures("fail", 0, 0, 0, 0, 1, 0, 0, own("", "", 0, 1, 0, 0, 1, 0, 0)))})
}

func TestClusterMode(t *testing.T) {
	n, f := startMember(t)
	f.mu.Lock()
	f.links = []Link{{Member: memberB, Created: time.UnixMilli(5), Allocated: 3, Used: 1},
		{Inbound: true, Member: memberC, Created: time.UnixMilli(0)}}
	f.mu.Unlock()
	link := func(head, direction, id string, created, allocated, used int) string {
		return head + bulkOf("direction") + bulkOf(direction) + bulkOf("node") + bulkOf(id) + bulkOf("create-time") +
			fmt.Sprintf(":%d\r\n", created) + bulkOf("events") + bulkOf("rw") + bulkOf("send-buffer-allocated") +
			fmt.Sprintf(":%d\r\n", allocated) + bulkOf("send-buffer-used") + fmt.Sprintf(":%d\r\n", used)
	}
	links := func(head string) string {
		return "*2\r\n" + link(head, "to", memberB, 5, 3, 1) + link(head, "from", memberC, 0, 0, 0)
	}
	const refused = "-ERR slots are assigned by the ring; use CLUSTER MEET|FORGET\r\n"
	cases := []adminCase{
		{"cluster links", links("*12\r\n"), links("%6\r\n")},
		{"cluster myid", bulkOf(memberA), ""}, {"cluster myshardid", bulkOf(memberA), ""},
		{"cluster replicas " + memberB, "*0\r\n", ""}, {"cluster slaves " + memberC, "*0\r\n", ""},
		{"cluster replicas x", "-ERR Unknown node x\r\n", ""}, {"cluster slaves x", "-ERR Unknown node x\r\n", ""},
		{"cluster count-failure-reports " + memberB, ":0\r\n", ""},
		{"cluster count-failure-reports x", "-ERR Unknown node x\r\n", ""},
		{"cluster keyslot a", ":15495\r\n", ""},
		{"cluster countkeysinslot 16384", "-ERR Invalid slot\r\n", ""},
		{"cluster getkeysinslot 0 -1", "-ERR Invalid slot or number of keys\r\n", ""},
		{"cluster saveconfig", "+OK\r\n", ""},
		{"cluster foo", "-ERR unknown subcommand 'foo'. Try CLUSTER HELP.\r\n", ""},
		{"cluster", arityReply("cluster"), ""},
		{"select 0", "+OK\r\n", ""},
		{"select 1", "-ERR SELECT is not allowed in cluster mode\r\n", ""},
		{"select 99", "-ERR SELECT is not allowed in cluster mode\r\n", ""},
		{"select x", "-ERR value is not an integer or out of range\r\n", ""},
		{"swapdb 0 0", "-ERR SWAPDB is not allowed in cluster mode\r\n", ""},
		{"swapdb x 0", "-ERR SWAPDB is not allowed in cluster mode\r\n", ""},
		{"move bar 1", "-ERR MOVE is not allowed in cluster mode\r\n", ""},
		{"copy bar {bar}x db 1", "-ERR Copying to another database is not allowed in cluster mode\r\n", ""},
		{"copy bar {bar}x db 0", ":0\r\n", ""},
		{"readonly", "+OK\r\n", ""}, {"readwrite", "+OK\r\n", ""}, {"asking", "+OK\r\n", ""},
	}
	for _, cmd := range []string{"reset", "reset hard", "replicate " + memberB, "failover", "failover force", "addslots 1",
		"delslots 1", "addslotsrange 1 2", "delslotsrange 1 2", "flushslots", "bumpepoch", "set-config-epoch 3",
		"setslot 1 stable"} {
		cases = append(cases, adminCase{"cluster " + cmd, refused, ""})
	}
	n.play(cases)
	c := n.dial(2)
	if got := c.text("INFO", "server"); !strings.Contains(got, "\r\nredis_mode:cluster\r\n") {
		t.Errorf("INFO server says %q", got)
	}
	if got := c.do("HELLO", "3"); !strings.Contains(got, "$4\r\nmode\r\n$7\r\ncluster\r\n") {
		t.Errorf("HELLO says %q", got)
	}
	help := c.do("CLUSTER", "HELP")
	for _, word := range []string{"JOIN <host-port> [FORCE]", "LEAVE [FORCE]", "FORGET <node-id>", "SLOTS", "SHARDS", "LINKS"} {
		if !strings.Contains(strings.ToLower(help), strings.ToLower(word)) {
			t.Errorf("HELP does not name %s: %q", word, help)
		}
	}
	n.srv.SetTopology(threeMembers(2, memberA, bDown))
	n.play([]adminCase{{"cluster count-failure-reports " + memberB, ":2\r\n", ""}})
}

// TestOwnSlots: what is about all keys is about those whose primary the node is.
func TestOwnSlots(t *testing.T) {
	n, _ := startMember(t)
	n.srv.SetTopology(threeMembers(1, memberA, func(o *TopologyOptions) { o.Primary = func(uint16) int { return 0 } }))
	mine, other := keyIn(t, 0, 5460), keyIn(t, 5461, 16383)
	c := n.dial(2)
	c.do("SET", mine, "1", "EX", "1000")
	c.do("SET", other, "1", "EX", "1000")
	slot := strings.Trim(c.do("CLUSTER", "KEYSLOT", other), ":\r\n")
	n.srv.SetTopology(threeMembers(2, memberA))
	n.play([]adminCase{
		{"dbsize", ":1\r\n", ""},
		{"keys *", "*1\r\n" + bulkOf(mine), ""},
		{"scan 0 count 100", "*2\r\n$1\r\n0\r\n*1\r\n" + bulkOf(mine), ""},
		{"randomkey", bulkOf(mine), ""},
		{"cluster countkeysinslot " + slot, ":0\r\n", ""},
		{"cluster getkeysinslot " + slot + " 10", "*0\r\n", ""},
	})
	if got := c.text("INFO", "keyspace"); !strings.HasPrefix(got, "# Keyspace\r\ndb0:keys=1,expires=1,avg_ttl=") {
		t.Errorf("INFO keyspace says %q", got)
	}
	c.do("FLUSHALL")
	n.play([]adminCase{{"dbsize", ":0\r\n", ""}, {"randomkey", "$-1\r\n", "_\r\n"}})
	n.srv.SetTopology(threeMembers(3, memberB))
	if got := c.do("DBSIZE") + c.do("FLUSHDB") + c.do("DBSIZE"); got != "-" && !strings.HasSuffix(got, "+OK\r\n:0\r\n") {
		t.Errorf("b answers %q", got)
	}
}
