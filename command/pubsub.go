package command

import (
	"cmp"
	"slices"

	"github.com/rldb/rldb/resp"
)

func cmdSubscribe(c *call)    { c.subscribe(channelTopic) }
func cmdPsubscribe(c *call)   { c.subscribe(patternTopic) }
func cmdUnsubscribe(c *call)  { c.unsubscribe(channelTopic) }
func cmdPunsubscribe(c *call) { c.unsubscribe(patternTopic) }
func cmdSunsubscribe(c *call) { c.unsubscribe(shardTopic) }

func cmdSsubscribe(c *call) {
	if c.inExec {
		c.fail("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
		return
	}
	c.subscribe(shardTopic)
}

func (c *call) subscribe(kind topicKind) {
	defer c.topicsChanged()
	for _, name := range c.args[1:] {
		if err := c.srv.hub.join(c.cl, kind, name); err != nil {
			c.fail(err.Error())
			return
		}
		c.confirm([topicKinds]string{"subscribe", "psubscribe", "ssubscribe"}[kind], kind, name)
	}
}

// unsubscribe ends the subscriptions that are named, or all of a kind. Messages
// that wait for the client come before the confirmations.
func (c *call) unsubscribe(kind topicKind) {
	defer c.topicsChanged()
	word := [topicKinds]string{"unsubscribe", "punsubscribe", "sunsubscribe"}[kind]
	names := c.args[1:]
	if len(names) == 0 {
		names = c.cl.inOrder(kind)
	}
	if len(names) == 0 {
		c.confirm(word, kind, nil)
		return
	}
	for _, name := range names {
		c.srv.hub.part(c.cl, kind, string(name))
		c.s.TakeMessages()
		c.confirm(word, kind, name)
	}
}

// inOrder are the names that the client listens to, the oldest first.
func (cl *client) inOrder(kind topicKind) [][]byte {
	type topic struct {
		name string
		at   uint64
	}
	var all []topic
	for name, at := range cl.topics[kind] {
		all = append(all, topic{name, at})
	}
	slices.SortFunc(all, func(a, b topic) int { return cmp.Compare(a.at, b.at) })
	names := make([][]byte, len(all))
	for i := range all {
		names[i] = []byte(all[i].name)
	}
	return names
}

// confirm tells the client that it listens, or no more, to a name (nil: to
// none), and to how many names now. Like a message, it is sent whatever CLIENT
// REPLY says.
func (c *call) confirm(word string, kind topicKind, name []byte) {
	n := len(c.cl.topics[shardTopic])
	if kind != shardTopic {
		n = c.cl.subscriptions() - n
	}
	w := resp.NewWriter(c.w.Proto(), c.wk.frame[:0])
	w.Push(3)
	w.BulkString(word)
	if name != nil {
		w.Bulk(name)
	} else {
		w.Null()
	}
	w.Int(int64(n))
	c.s.Push(w.Bytes(), c.s)
	if b := w.Bytes(); cap(b) <= maxFrame {
		c.wk.frame = b
	}
}

// maxFrame is the largest buffer that a worker keeps for such frames.
const maxFrame = 64 << 10

// topicsChanged follows up what the client listens to.
func (c *call) topicsChanged() {
	c.s.SetPubSub(c.cl.subscriptions() > 0 || c.cl.monitor)
	c.cl.weigh()
}

// cmdPublish answers how many of this node's clients listen, as Redis does in a cluster:
// what listens elsewhere is not waited for.
func cmdPublish(c *call) {
	if c.srv.cluster != nil {
		c.srv.cluster.Publish(c.args[1], c.args[2])
	}
	c.w.Int(int64(c.srv.hub.publish(channelTopic, c.args[1], c.args[2], c.s)))
}

// Deliver hands a message that was published at another member to this node's
// subscribers. It is called from any goroutine, and does not wait.
func (s *Server) Deliver(channel, message []byte) {
	s.hub.publish(channelTopic, channel, message, nil)
}

func cmdSpublish(c *call) {
	c.w.Int(int64(c.srv.hub.publish(shardTopic, c.args[1], c.args[2], c.s)))
}

func cmdPubsubChannels(c *call)      { c.listTopics(channelTopic) }
func cmdPubsubShardChannels(c *call) { c.listTopics(shardTopic) }
func cmdPubsubNumSub(c *call)        { c.countTopics(channelTopic) }
func cmdPubsubShardNumSub(c *call)   { c.countTopics(shardTopic) }
func cmdPubsubNumPat(c *call)        { c.w.Int(int64(c.srv.hub.count(patternTopic))) }

func (c *call) listTopics(kind topicKind) {
	if len(c.args) > 3 {
		c.subcommandError()
		return
	}
	names := c.srv.hub.names(kind)
	if len(c.args) == 3 {
		names = matching(names, c.args[2])
	}
	c.w.Array(len(names))
	for _, name := range names {
		c.w.BulkString(name)
	}
}

func (c *call) countTopics(kind topicKind) {
	c.w.Array(2 * len(c.args[2:]))
	for _, name := range c.args[2:] {
		c.w.Bulk(name)
		c.w.Int(int64(c.srv.hub.listeners(kind, name)))
	}
}
