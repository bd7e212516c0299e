package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/rldb/rldb/conf"
)

// BenchmarkPipeline is the rate of SETs of random keys that clients send in
// pipelines, through a whole node in this process. One operation is one SET.
func BenchmarkPipeline(b *testing.B) {
	for _, engine := range []string{"lsm", "bitcask"} {
		for _, depth := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/depth%d", engine, depth), func(b *testing.B) { benchPipeline(b, engine, depth) })
		}
	}
}

const (
	pipelineClients = 50
	pipelineKeys    = 100_000
)

func benchPipeline(b *testing.B, engine string, depth int) {
	cfg, err := conf.Load(conf.Sources{Args: []string{"--port", "0", "--engine", engine, "--dir", b.TempDir()},
		ReadFile: os.ReadFile, Dir: b.TempDir(), Memory: func() int64 { return 4 << 30 }})
	if err != nil {
		b.Fatal(err)
	}
	n, err := start(cfg, slog.New(slog.DiscardHandler), new(slog.LevelVar), func() {})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := n.close(); err != nil {
			b.Error(err)
		}
	}()
	b.ResetTimer()
	var clients sync.WaitGroup
	for i := range pipelineClients {
		clients.Go(func() {
			if err := pipelined(n.addrs[0].String(), i, b.N/pipelineClients+1, depth); err != nil {
				b.Error(err)
			}
		})
	}
	clients.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sets/s")
}

// pipelined sends count SETs, depth at a time, and reads the replies.
func pipelined(addr string, client, count, depth int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	const ok = "+OK\r\n"
	out, in, reply := bufio.NewWriterSize(conn, 64<<10), bufio.NewReaderSize(conn, 64<<10), make([]byte, len(ok))
	value := "a value of sixty-four bytes, which is what many caches hold now."
	for sent := 0; sent < count; {
		n := min(depth, count-sent)
		for range n {
			key := (uint64(client)<<32 + uint64(sent)) * 2654435761 % pipelineKeys
			fmt.Fprintf(out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", key, len(value), value)
			sent++
		}
		if err := out.Flush(); err != nil {
			return err
		}
		for range n {
			if _, err := io.ReadFull(in, reply); err != nil {
				return err
			}
			if string(reply) != ok {
				return fmt.Errorf("the reply is %q", reply)
			}
		}
	}
	return nil
}
