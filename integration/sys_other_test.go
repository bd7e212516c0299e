//go:build !linux

package integration

import (
	"errors"
	"os"
	"syscall"
)

var errNotLinux = errors.New("the integration tests run on Linux")

func raiseFileLimit() error { return errNotLinux }

func childAttr() *syscall.SysProcAttr { return nil }

func rssBytes(int) (int64, error) { return 0, errNotLinux }

func openPty() (*os.File, string, error) { return nil, "", errNotLinux }

func ptyChildAttr() *syscall.SysProcAttr { return nil }
