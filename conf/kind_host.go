package conf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// parseHostPort takes an IP address or a host name, and a port where one is given:
// HOST, HOST:PORT, an IPv6 address as it is, or [ADDRESS]:PORT.
func parseHostPort(text string) (HostPort, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return HostPort{Host: a.String()}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, ""
	}
	if _, err := netip.ParseAddr(host); err != nil && !hostName(host) {
		return HostPort{}, fmt.Errorf("%q is not an address", text)
	}
	hp := HostPort{Host: host}
	if err != nil {
		return hp, nil
	}
	n, err := parseInteger(port, 1, mostPort)
	if err != nil {
		return HostPort{}, fmt.Errorf("the port of %q: %w", text, err)
	}
	hp.Port = int(n)
	return hp, nil
}

// hostPort is an address to tell others: HOST[:PORT].
type hostPort struct{ at func(*Config) *HostPort }

func (k hostPort) set(c *Config, text string) error {
	if text == "" {
		*k.at(c) = HostPort{}
		return nil
	}
	hp, err := parseHostPort(text)
	if err != nil {
		return err
	}
	if a, err := netip.ParseAddr(hp.Host); err == nil && a.IsUnspecified() {
		return errors.New("others cannot reach a node at all addresses: give one")
	}
	*k.at(c) = hp
	return nil
}

func (k hostPort) text(c *Config) string {
	switch hp := *k.at(c); {
	case hp.Port == 0:
		return hp.Host
	default:
		return net.JoinHostPort(hp.Host, strconv.Itoa(hp.Port))
	}
}
func (k hostPort) allowed() string {
	return "an IP address or a host name, with :PORT if it is another"
}
func (k hostPort) shapes() shape { return 0 }

// nodes is a list of HOST:PORT, parted by spaces or commas.
type nodes struct{ at func(*Config) *[]string }

// mostNodes bounds the list.
const mostNodes = 100

func (k nodes) set(c *Config, text string) error {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(parts) > mostNodes {
		return fmt.Errorf("there are more than %d nodes", mostNodes)
	}
	var list []string
	for _, part := range parts {
		hp, err := parseHostPort(part)
		if err != nil {
			return err
		}
		if hp.Port == 0 {
			return fmt.Errorf("%q has no port", part)
		}
		node := net.JoinHostPort(hp.Host, strconv.Itoa(hp.Port))
		if slices.Contains(list, node) {
			return fmt.Errorf("%q is there twice", part)
		}
		list = append(list, node)
	}
	*k.at(c) = list
	return nil
}
func (k nodes) text(c *Config) string { return strings.Join(*k.at(c), " ") }
func (k nodes) allowed() string       { return "HOST:PORT of nodes, parted by spaces or commas" }
func (k nodes) shapes() shape         { return asArray }
