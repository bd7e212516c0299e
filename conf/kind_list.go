package conf

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// These begin with a capital and end with a dot because Redis's do.
var (
	errTooManyAddresses = errors.New("Too many bind addresses specified.")
	errLimitWords       = errors.New("Wrong number of arguments in buffer limit configuration.")
	errLimitClass       = errors.New("Invalid client class specified in buffer limit configuration.")
	errLimitValue       = errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
)

// addresses is a list of addresses to listen on, parted by spaces or commas.
type addresses struct {
	at func(*Config) *[]BindAddress
}

// mostAddresses is Redis's bound.
const mostAddresses = 16

func (k addresses) set(c *Config, text string) error {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(parts) > mostAddresses {
		return errTooManyAddresses
	}
	var list []BindAddress
	for _, part := range parts {
		a, err := parseAddress(part)
		if err != nil {
			return err
		}
		same := func(b BindAddress) bool { return a.Network == b.Network && a.Host == b.Host }
		if slices.ContainsFunc(list, same) {
			return fmt.Errorf("%q is there twice", part)
		}
		list = append(list, a)
	}
	*k.at(c) = list
	return nil
}

func (k addresses) text(c *Config) string {
	texts := make([]string, len(*k.at(c)))
	for i, a := range *k.at(c) {
		texts[i] = a.Text
	}
	return strings.Join(texts, " ")
}

func (k addresses) allowed() string {
	return "IP addresses or host names, without a port; * for all of IPv4, ::* for all of IPv6; " +
		"a - before one that may be missing"
}
func (k addresses) shapes() shape { return asArray }

func parseAddress(text string) (BindAddress, error) {
	a := BindAddress{Text: text, Network: "tcp"}
	a.Host, a.Optional = strings.CutPrefix(text, "-")
	switch a.Host {
	case "*":
		a.Network, a.Host = "tcp4", ""
		return a, nil
	case "::*":
		a.Network, a.Host = "tcp6", ""
		return a, nil
	}
	if _, err := netip.ParseAddr(a.Host); err != nil && !hostName(a.Host) {
		return a, fmt.Errorf("%q is not an address", text)
	}
	return a, nil
}

// hostName reports whether the resolver could know text. A last label of
// digits is a mistyped IP address, not a name.
func hostName(text string) bool {
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for _, r := range label {
			if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_') {
				return false
			}
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return err != nil && len(text) <= 253
}

// outputLimits is the limits of some classes of clients, four words each. The
// classes that the text does not name keep what they have.
type outputLimits struct{ at func(*Config) *OutputLimits }

func (k outputLimits) set(c *Config, text string) error {
	// Redis parts the words by single spaces, so that two in a row make an
	// empty word; that helps nobody, and runs of spaces are one here.
	f := strings.Fields(text)
	if len(f)%4 != 0 {
		return errLimitWords
	}
	all := *k.at(c)
	for ; len(f) > 0; f = f[4:] {
		var one *OutputLimit
		switch strings.ToLower(f[0]) {
		case "normal":
			one = &all.Normal
		case "slave", "replica":
			one = &all.Replica
		case "pubsub":
			one = &all.Pubsub
		default:
			return errLimitClass
		}
		hard, err1 := parseSize(f[1])
		soft, err2 := parseSize(f[2])
		seconds, err3 := parseInteger(f[3], 0, math.MaxInt32)
		if errors.Join(err1, err2, err3) != nil {
			return errLimitValue
		}
		*one = OutputLimit{Hard: hard, Soft: soft, SoftFor: time.Duration(seconds) * time.Second}
	}
	*k.at(c) = all
	return nil
}

func (k outputLimits) text(c *Config) string {
	all := k.at(c)
	one := func(class string, l OutputLimit) string {
		return fmt.Sprintf("%s %d %d %d", class, l.Hard, l.Soft, int64(l.SoftFor/time.Second))
	}
	return one("normal", all.Normal) + " " + one("slave", all.Replica) + " " + one("pubsub", all.Pubsub)
}

func (k outputLimits) allowed() string {
	return "CLASS HARD SOFT SECONDS, once or more; CLASS is normal, replica or pubsub, 0 is no limit (" + sizeHelp + ")"
}
func (k outputLimits) shapes() shape { return asArray }
