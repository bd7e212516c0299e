package integration

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestExpiry: a key is gone for every command once its time is over, and not
// before.
func TestExpiry(t *testing.T) {
	p := startSubject(t, options{})
	c := mustDial(t, p.addr)
	const ttl = 300 * time.Millisecond
	began := time.Now()
	c.mustDo(t, "SET", "k", "v", "PX", strconv.FormatInt(ttl.Milliseconds(), 10))
	eventually(t, replyLimit, "the key's end", func() error {
		f := c.mustDo(t, "GET", "k")
		alive := time.Since(began)
		if f.null && alive < ttl-5*time.Millisecond { // clocks of whole milliseconds
			t.Fatalf("the key was gone after %v", alive)
		}
		if !f.null {
			return fmt.Errorf("it lives after %v", alive)
		}
		return nil
	})
	for command, want := range map[string]string{"EXISTS": ":0\r\n", "TTL": ":-2\r\n", "TYPE": "+none\r\n", "STRLEN": ":0\r\n", "DEL": ":0\r\n",
		"PERSIST": ":0\r\n", "EXPIRETIME": ":-2\r\n", "TOUCH": ":0\r\n", "GETDEL": "$-1\r\n"} {
		if f := c.mustDo(t, command, "k"); string(f.raw) != want {
			t.Errorf("%s of an expired key: %q instead of %q", command, f.raw, want)
		}
	}
}

// TestExpirySweep lets 100,000 keys end in the same second: they are removed in
// the background, without being touched, and others are answered meanwhile.
func TestExpirySweep(t *testing.T) {
	const n = 100_000
	p := startSubject(t, options{})
	c := mustDial(t, p.addr)
	at := strconv.FormatInt(time.Now().Add(4*time.Second).UnixMilli(), 10)
	var request []byte
	for i := range n {
		request = appendCommand(request, "SET", "key:"+strconv.Itoa(i), "v", "PXAT", at)
	}
	if _, err := c.exchange(request, n); err != nil {
		t.Fatal(err)
	}
	c.mustDo(t, "SET", "stays", "v")
	w := watch(t, p)
	// With the engine lsm each slot is a wait for its pool.
	eventually(t, 4*replyLimit, "the background sweep", func() error {
		if size := c.mustDo(t, "DBSIZE").str(); size != "1" {
			return fmt.Errorf("DBSIZE is %s", size)
		}
		return nil
	})
	w.done(t, 256<<20)
	c.mustDo(t, "GET", "stays")
}

// TestMaxmemory fills a node that may take 32 MB: it refuses writes with Redis's
// text, still serves reads and deletions, and takes writes again afterwards.
func TestMaxmemory(t *testing.T) {
	const limit, refused = 32 << 20, "OOM command not allowed when used memory > 'maxmemory'."
	p := startSubject(t, options{plain: true, maxmemory: strconv.Itoa(limit)})
	w := watch(t, p)
	c := mustDial(t, p.addr)
	value := string(make([]byte, 10_000))
	stored, oom := 0, frame{}
	for ; stored < 10_000; stored++ {
		f, err := c.do("SET", "key:"+strconv.Itoa(stored), value)
		if err != nil {
			t.Fatal(err)
		}
		if f.isError() {
			oom = f
			break
		}
	}
	if oom.str() != refused || stored < 1000 || stored > limit/len(value) {
		t.Fatalf("after %d values of %d bytes: %q", stored, len(value), oom.raw)
	}
	if f := c.mustDo(t, "GET", "key:0"); f.str() != value {
		t.Error("GET does not work")
	}
	for _, args := range [][]string{{"APPEND", "key:0", "x"}, {"INCR", "n"}, {"MSET", "a", "1"}, {"SETBIT", "b", "1", "1"}} {
		if f, err := c.do(args...); err != nil || f.str() != refused {
			t.Errorf("%q: %q, %v", args, f.raw, err)
		}
	}
	for i := range stored / 2 {
		c.mustDo(t, "DEL", "key:"+strconv.Itoa(i))
	}
	eventually(t, replyLimit, "room after DEL", func() error {
		f, err := c.do("SET", "again", value)
		if err == nil && f.isError() {
			err = fmt.Errorf("%q", f.raw)
		}
		return err
	})
	w.done(t, 4*limit)
}

// TestMaxmemoryLarge has many clients make large values at once: each finds that
// there is memory when it comes, and most are refused when their turn comes.
func TestMaxmemoryLarge(t *testing.T) {
	const limit, size, clients = 32 << 20, 8 << 20, 16
	const most = limit/size + 4 // that exceed the limit together: those at work
	p := startSubject(t, options{maxmemory: strconv.Itoa(limit)})
	var stored atomic.Int64
	var all sync.WaitGroup
	for i := range clients {
		c := mustDial(t, p.addr)
		all.Go(func() {
			f, err := c.do("SETRANGE", "large:"+strconv.Itoa(i), strconv.Itoa(size-1), "x")
			switch {
			case err != nil:
				t.Error(err)
			case f.str() == strconv.Itoa(size):
				stored.Add(1)
			case f.str() != "OOM command not allowed when used memory > 'maxmemory'.":
				t.Errorf("SETRANGE: %.100q", f.raw)
			}
		})
	}
	all.Wait()
	if n := stored.Load(); n < limit/size-1 || n > most {
		t.Errorf("%d values of %d bytes were stored with a limit of %d", n, size, limit)
	}
	if f := mustDial(t, p.addr).mustDo(t, "DBSIZE"); f.str() != strconv.FormatInt(stored.Load(), 10) {
		t.Errorf("DBSIZE is %s, %d were stored", f.str(), stored.Load())
	}
}
