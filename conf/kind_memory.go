package conf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are Redis's: without b a power of ten, with b a power of two.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10},
	{"g", 1e9}, {"m", 1e6}, {"k", 1e3}, {"b", 1},
}

// parseSize reads a number of bytes. Redis lets a size that does not fit in 64
// bits wrap around, and a unit alone be 0; here both are faults.
func parseSize(text string) (int64, error) {
	digits := len(text)
	if i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = i
	}
	unit := int64(1)
	if name := text[digits:]; name != "" {
		unit = 0
		for _, u := range sizeUnits {
			if strings.EqualFold(u.name, name) {
				unit = u.bytes
			}
		}
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || unit == 0 || n > math.MaxInt64/unit {
		return 0, errNotMemory
	}
	return n * unit, nil
}

// sizeText is n in its largest unit that divides it.
func sizeText(n int64) string {
	for _, u := range sizeUnits[:3] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

const sizeHelp = "bytes; k, m, g are powers of 1000, kb, mb, gb of 1024"

// size is an amount of memory.
type size struct {
	at     func(*Config) *int64
	lo, hi int64 // bytes
}

func (k size) set(c *Config, text string) error {
	n, err := parseSize(text)
	if err != nil {
		return err
	}
	if n < k.lo || n > k.hi {
		return errOutside(k.lo, k.hi)
	}
	*k.at(c) = n
	return nil
}
func (k size) text(c *Config) string { return strconv.FormatInt(*k.at(c), 10) }
func (k size) allowed() string {
	switch {
	case k.hi < math.MaxInt64:
		return fmt.Sprintf("%s to %s (%s)", sizeText(k.lo), sizeText(k.hi), sizeHelp)
	case k.lo > 0:
		return fmt.Sprintf("%s or more (%s)", sizeText(k.lo), sizeHelp)
	default:
		return sizeHelp
	}
}
func (k size) shapes() shape { return asNumber }

// share is an amount of memory that may depend on another.
type share struct{ at func(*Config) *MemoryShare }

func (k share) set(c *Config, text string) error {
	value := MemoryShare{}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		n, err := parseInteger(percent, 0, math.MaxInt64)
		switch {
		case err != nil:
			return errors.New("argument must be a memory or percent value")
		case n > 100:
			return errors.New("percentage argument must be less or equal to 100")
		}
		value.Percent = int(n) // 0% is no limit, as in Redis
	} else if strings.EqualFold(text, "auto") {
		value.Auto = true
	} else {
		n, err := parseSize(text)
		if err != nil {
			return errors.New("argument must be a memory or percent value")
		}
		value.Bytes = n
	}
	*k.at(c) = value
	return nil
}

func (k share) text(c *Config) string {
	switch value := *k.at(c); {
	case value.Auto:
		return "auto"
	case value.Percent > 0:
		return strconv.Itoa(value.Percent) + "%"
	default:
		return strconv.FormatInt(value.Bytes, 10)
	}
}
func (k share) allowed() string { return "auto, 0 for no limit, a percentage, or " + sizeHelp }
func (k share) shapes() shape   { return asNumber }
