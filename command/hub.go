package command

import (
	"errors"
	"sync"

	"github.com/rldb/rldb/glob"
	"github.com/rldb/rldb/resp"
)

// topicKind says what a client can listen to: channels, patterns of them, or
// shard channels, which are a name space of their own.
type topicKind uint8

const (
	channelTopic topicKind = iota
	patternTopic
	shardTopic
	topicKinds
)

// Bounds on what clients may listen to. The memory of the names counts against
// maxmemory-clients besides; these bound the time that one command or one
// client's end may take.
const (
	maxTopics       = 1_000_000 // of all clients together
	maxClientTopics = 100_000
	// topicCost is about what a subscription takes besides its name.
	topicCost = 200
)

var (
	errTopics       = errors.New("ERR the server has the most subscriptions that it allows, 1000000")
	errClientTopics = errors.New("ERR a client may have 100000 subscriptions at most")
)

// hub knows who listens to what, and hands out messages. A client's subscription
// stands both here and in client.topics; they change together, in the client's
// turn.
//
// The lock is held while a message is pushed to its audience: Session.Push only
// appends to a bounded buffer. That gives unsubscribing its meaning: once it
// has the lock, no message is on its way to that client any more.
//
// The lock may be taken in the turn of a transaction's keys (PUBLISH in EXEC),
// so nothing that holds it may call the store. Within it, only sessions' own
// locks are taken.
type hub struct {
	mu     sync.RWMutex // guards what follows
	topics [topicKinds]map[string]*audience
	total  int // subscriptions
}

// audience are the clients that listen to a topic.
type audience struct {
	pattern []byte // the topic, if it is one
	clients map[*client]struct{}
}

// join has a client listen to a topic.
func (h *hub) join(cl *client, kind topicKind, name []byte) error {
	if _, ok := cl.topics[kind][string(name)]; ok {
		return nil
	}
	if cl.subscriptions() >= maxClientTopics {
		return errClientTopics
	}
	topic := string(name)
	if !h.enter(cl, kind, topic) {
		return errTopics
	}
	if cl.topics[kind] == nil {
		cl.topics[kind] = map[string]uint64{}
	}
	cl.nextTopic++
	cl.topics[kind][topic] = cl.nextTopic
	cl.topicMem += int64(len(topic)) + topicCost
	cl.subs[kind].Add(1)
	return nil
}

func (h *hub) enter(cl *client, kind topicKind, topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.total >= maxTopics {
		return false
	}
	h.total++
	if h.topics[kind] == nil {
		h.topics[kind] = map[string]*audience{}
	}
	who := h.topics[kind][topic]
	if who == nil {
		who = &audience{clients: map[*client]struct{}{}}
		if kind == patternTopic {
			who.pattern = []byte(topic)
		}
		h.topics[kind][topic] = who
	}
	who.clients[cl] = struct{}{}
	return true
}

// part ends a subscription, if there is one.
func (h *hub) part(cl *client, kind topicKind, topic string) {
	if _, ok := cl.topics[kind][topic]; !ok {
		return
	}
	delete(cl.topics[kind], topic)
	cl.topicMem -= int64(len(topic)) + topicCost
	cl.subs[kind].Add(-1)

	h.mu.Lock()
	defer h.mu.Unlock()
	who := h.topics[kind][topic]
	delete(who.clients, cl)
	if len(who.clients) == 0 {
		delete(h.topics[kind], topic)
	}
	h.total--
}

// leave ends all subscriptions of a client.
func (h *hub) leave(cl *client) {
	for kind := range topicKinds {
		for topic := range cl.topics[kind] {
			h.part(cl, kind, topic)
		}
		cl.topics[kind] = nil
	}
}

// setProto changes the protocol in which a client is sent messages. What was
// sent to it before is encoded in the old one, and all of it waits already.
func (h *hub) setProto(cl *client, proto int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	cl.proto.Store(int32(proto))
}

// publish sends a message to all who listen to a channel, directly or by a
// pattern, and returns how often it was sent. from is the publisher's session.
func (h *hub) publish(kind topicKind, channel, message []byte, from *resp.Session) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	sent := 0
	if who := h.topics[kind][string(channel)]; who != nil {
		m := broadcast{word: messageWords[kind], channel: channel, message: message}
		sent += m.to(who, from)
	}
	if kind != channelTopic {
		return sent
	}
	for _, who := range h.topics[patternTopic] {
		if matches(who.pattern, channel) {
			m := broadcast{word: messageWords[patternTopic], pattern: who.pattern, channel: channel, message: message}
			sent += m.to(who, from)
		}
	}
	return sent
}

// names are the channels that somebody listens to.
func (h *hub) names(kind topicKind) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]string, 0, len(h.topics[kind]))
	for topic := range h.topics[kind] {
		all = append(all, topic)
	}
	return all
}

// listeners is how many clients listen to a topic.
func (h *hub) listeners(kind topicKind, topic []byte) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if who := h.topics[kind][string(topic)]; who != nil {
		return len(who.clients)
	}
	return 0
}

// count is how many different topics are listened to.
func (h *hub) count(kind topicKind) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.topics[kind])
}

// messageWords begin a message.
var messageWords = [topicKinds]string{"message", "pmessage", "smessage"}

// broadcast is one message, encoded once for each protocol that is asked for.
type broadcast struct {
	word                      string
	pattern, channel, message []byte    // pattern is nil if there is none
	frames                    [2][]byte // RESP2, RESP3
}

// to sends the message to an audience and returns how many that are.
func (m *broadcast) to(who *audience, from *resp.Session) int {
	for cl := range who.clients {
		cl.s.Push(m.frame(int(cl.proto.Load())), from)
	}
	return len(who.clients)
}

func (m *broadcast) frame(proto int) []byte {
	at := &m.frames[proto-2]
	if *at != nil {
		return *at
	}
	w := resp.NewWriter(proto, make([]byte, 0, 64+len(m.pattern)+len(m.channel)+len(m.message)))
	if m.pattern != nil {
		w.Push(4)
		w.BulkString(m.word)
		w.Bulk(m.pattern)
	} else {
		w.Push(3)
		w.BulkString(m.word)
	}
	w.Bulk(m.channel)
	w.Bulk(m.message)
	*at = w.Bytes()
	return *at
}

// counts are the channels and the patterns that somebody listens to.
func (h *hub) counts() (channels, patterns int) {
	return h.count(channelTopic), h.count(patternTopic)
}

// matches says whether a pattern matches a channel. The channel with the empty
// name is matched by the empty pattern alone, as in Redis: not even by "*".
func matches(pattern, channel []byte) bool {
	if len(channel) == 0 {
		return len(pattern) == 0
	}
	return glob.Match(pattern, channel)
}

// matching are the names that a pattern matches; nil: all of them.
func matching(names []string, pattern []byte) []string {
	if pattern == nil {
		return names
	}
	kept := names[:0]
	for _, name := range names {
		if matches(pattern, []byte(name)) {
			kept = append(kept, name)
		}
	}
	return kept
}
