package resp

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestOutQueue holds the queue against a plain buffer.
func TestOutQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q outQueue
		var want, got []byte
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 40000).Draw(t, "size"))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				q.add(p)
				want = append(want, p...)
			case 1:
				from := rapid.IntRange(0, len(p)).Draw(t, "from")
				if from == len(p) {
					continue
				}
				q.take(bytes.Clone(p), from)
				want = append(want, p[from:]...)
			case 2:
				room := rapid.IntRange(0, 60000).Draw(t, "room")
				n, err := q.write(func(b []byte) (int, error) {
					n := min(room, len(b))
					room -= n
					got = append(got, b[:n]...)
					return n, nil
				}, func([]byte) {})
				if err != nil || n > len(want) {
					t.Fatal(n, err)
				}
			}
			held := 0
			for _, b := range q.chunks {
				held += cap(b)
			}
			if q.size != len(want)-len(got) || q.held != held {
				t.Fatalf("%d bytes wait, want %d; %d held, want %d", q.size, len(want)-len(got), q.held, held)
			}
		}
		q.write(func(b []byte) (int, error) { got = append(got, b...); return len(b), nil }, func([]byte) {})
		if !bytes.Equal(got, want) {
			t.Fatal("the bytes that were written are not those that were added")
		}
	})
}

func TestOutQueueFailure(t *testing.T) {
	var q outQueue
	q.add([]byte("abc"))
	broken := errors.New("broken")
	if n, err := q.write(func([]byte) (int, error) { return 1, broken }, func([]byte) {}); n != 1 || err != broken || q.size != 2 {
		t.Errorf("%d, %v, %d left", n, err, q.size)
	}
}
