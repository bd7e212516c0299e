package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is how a key's text becomes a value and back. The texts of its errors
// are those that Redis gives for CONFIG SET.
type kind interface {
	// set parses text into the key's field of c. A fault leaves c as it was.
	set(c *Config, text string) error
	// text is the field as CONFIG GET shows it. set takes it back.
	text(c *Config) string
	// allowed says, for a person, which texts set takes.
	allowed() string
	// shapes says which JSON values stand for the key beside a string.
	shapes() shape
}

// shape is a set of JSON types.
type shape uint8

const (
	asNumber shape = 1 << iota
	asBool
	asArray // of strings, which are joined by spaces
)

var (
	errNotInteger = errors.New("argument couldn't be parsed into an integer")
	errNotMemory  = errors.New("argument must be a memory value")
	errNotYesNo   = errors.New("argument must be 'yes' or 'no'")
	errNotOctal   = errors.New("argument couldn't be parsed as an octal number")
	errImmutable  = errors.New("can't set immutable config")
)

func errOutside(lo, hi int64) error {
	return fmt.Errorf("argument must be between %d and %d inclusive", lo, hi)
}

// parseInteger takes what Redis takes: no plus sign, no leading zeros, no "-0".
func parseInteger(text string, lo, hi int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, errNotInteger
	}
	if n < lo || n > hi {
		return 0, errOutside(lo, hi)
	}
	return n, nil
}

func rangeText(lo, hi int64) string {
	if hi >= math.MaxInt32 {
		return fmt.Sprintf("a whole number from %d", lo)
	}
	return fmt.Sprintf("a whole number from %d to %d", lo, hi)
}

// number is a whole number.
type number struct {
	at     func(*Config) *int
	lo, hi int64
}

func (k number) set(c *Config, text string) error {
	n, err := parseInteger(text, k.lo, min(k.hi, math.MaxInt))
	if err == nil {
		*k.at(c) = int(n)
	}
	return err
}
func (k number) text(c *Config) string { return strconv.Itoa(*k.at(c)) }
func (k number) allowed() string       { return rangeText(k.lo, k.hi) }
func (k number) shapes() shape         { return asNumber }

// span is a time, written as a whole number of units.
type span struct {
	at     func(*Config) *time.Duration
	unit   time.Duration
	lo, hi int64 // in units
}

// longest is how many units the largest Duration has.
func longest(unit time.Duration) int64 { return int64(math.MaxInt64 / unit) }

func (k span) set(c *Config, text string) error {
	n, err := parseInteger(text, k.lo, min(k.hi, longest(k.unit)))
	if err == nil {
		*k.at(c) = time.Duration(n) * k.unit
	}
	return err
}
func (k span) text(c *Config) string { return strconv.FormatInt(int64(*k.at(c)/k.unit), 10) }
func (k span) allowed() string {
	units := map[time.Duration]string{
		time.Second: "seconds", time.Millisecond: "milliseconds", time.Microsecond: "microseconds",
	}
	return rangeText(k.lo, min(k.hi, longest(k.unit))) + ", in " + units[k.unit]
}
func (k span) shapes() shape { return asNumber }

// octal is a file's permission bits.
type octal struct{ at func(*Config) *fs.FileMode }

func (k octal) set(c *Config, text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return errNotOctal
	}
	*k.at(c) = fs.FileMode(n)
	return nil
}
func (k octal) text(c *Config) string { return strconv.FormatUint(uint64(*k.at(c)), 8) }
func (k octal) allowed() string       { return "an octal number from 0 to 777" }
func (k octal) shapes() shape         { return asNumber }

// yesNo is a switch.
type yesNo struct{ at func(*Config) *bool }

func (k yesNo) set(c *Config, text string) error {
	on := strings.EqualFold(text, "yes")
	if !on && !strings.EqualFold(text, "no") {
		return errNotYesNo
	}
	*k.at(c) = on
	return nil
}
func (k yesNo) text(c *Config) string {
	if *k.at(c) {
		return "yes"
	}
	return "no"
}
func (k yesNo) allowed() string { return "yes or no" }
func (k yesNo) shapes() shape   { return asBool }

// choice is one word of a few.
type choice struct {
	at func(*Config) *string
	of []string
}

func (k choice) set(c *Config, text string) error {
	i := slices.IndexFunc(k.of, func(word string) bool { return strings.EqualFold(word, text) })
	if i < 0 {
		return errors.New("argument(s) must be one of the following: " + strings.Join(k.of, ", "))
	}
	*k.at(c) = k.of[i]
	return nil
}
func (k choice) text(c *Config) string { return *k.at(c) }
func (k choice) allowed() string       { return strings.Join(k.of, " | ") }
func (k choice) shapes() shape         { return 0 }

// word is any text that passes check.
type word[T ~string] struct {
	at    func(*Config) *T
	what  string // what is allowed
	check func(string) error
}

func (k word[T]) set(c *Config, text string) error {
	err := k.check(text)
	if err == nil {
		*k.at(c) = T(text)
	}
	return err
}
func (k word[T]) text(c *Config) string { return string(*k.at(c)) }
func (k word[T]) allowed() string       { return k.what }
func (k word[T]) shapes() shape         { return 0 }

// directory is the path of a directory, made absolute.
type directory struct{ at func(*Config) *string }

func (k directory) set(c *Config, text string) error {
	if err := isPath(text); err != nil {
		return err
	}
	if text == "" {
		return errors.New("argument must be a path")
	}
	if !filepath.IsAbs(text) && c.WorkDir != "" {
		text = filepath.Join(c.WorkDir, text)
	}
	*k.at(c) = text
	return nil
}
func (k directory) text(c *Config) string { return *k.at(c) }
func (k directory) allowed() string       { return "a path" }
func (k directory) shapes() shape         { return 0 }

// fixed is a fact that tools ask for and that nothing can change: giving its
// own value is taken without effect, any other is a fault.
type fixed struct {
	is  func(*Config) string
	why string // why it cannot be anything else; "" where Redis calls it immutable
}

func (k fixed) set(c *Config, text string) error {
	switch {
	case text == k.is(c):
		return nil
	case k.why == "":
		return errImmutable
	default:
		return fmt.Errorf("argument must be '%s': %s", k.is(c), k.why)
	}
}
func (k fixed) text(c *Config) string { return k.is(c) }
func (k fixed) allowed() string       { return "nothing else" }
func (k fixed) shapes() shape         { return asNumber | asBool }
