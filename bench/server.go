package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// How long a server may take to answer, and to stop.
const (
	startLimit = 15 * time.Second
	stopLimit  = 15 * time.Second
)

// serverLog is the file of a server's folder that has what it printed.
const serverLog = "server.log"

// server is a running subject.
type server struct {
	subject
	port   int
	addr   string
	cmd    *exec.Cmd
	log    string        // file of what it printed
	exited chan struct{} // closed after it was waited for
}

// start runs the subject on a free loopback port until it answers PING.
func (s subject) start(ctx context.Context, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	srv, err := s.launch(dir, port)
	if err != nil {
		return nil, err
	}
	if err := srv.ready(ctx); err != nil {
		return nil, errors.Join(err, srv.stop())
	}
	return srv, nil
}

// launch starts the process, and does not wait until it answers.
func (s subject) launch(dir string, port int) (*server, error) {
	log, err := os.Create(filepath.Join(dir, serverLog))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.path, s.args(port)...)
	cmd.Dir, cmd.Env = dir, environment(s.env)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	srv := &server{
		subject: s, port: port, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		cmd: cmd, log: log.Name(), exited: make(chan struct{}),
	}
	go func() {
		_ = cmd.Wait() // how it ended does not matter: that it ended early does
		close(srv.exited)
	}()
	return srv, nil
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// ready waits until the server answers.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.patience, startLimit))
	defer cancel()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		err := ping(s.addr)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended before it answered; it said:\n%s", s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("it does not answer (%w); it said:\n%s", err, s.lastWords())
		case <-every.C:
		}
	}
}

func ping(addr string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.do("PING")
	return err
}

// lastWords is the end of what the server printed.
func (s *server) lastWords() string {
	text := readAll(s.log)
	return text[max(0, len(text)-2000):]
}

// stop ends the server, with force if it does not end by itself. It is an error
// if it had ended before.
func (s *server) stop() error {
	select {
	case <-s.exited:
		return fmt.Errorf("%s ended by itself; it said:\n%s", s.name, s.lastWords())
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	limit := max(s.patience, stopLimit)
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case <-s.exited:
		return nil
	case <-patience.C:
	}
	if err := s.end(); err != nil {
		return err
	}
	return fmt.Errorf("%s did not stop within %v", s.name, limit)
}

// end kills the server, if it still runs.
func (s *server) end() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// freePort finds a port of the loopback that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
