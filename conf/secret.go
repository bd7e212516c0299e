package conf

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that does not show itself in logs or errors, however the
// value around it is printed. string(s) is what it holds.
type Secret string

const hidden = "(hidden)"

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format implements [fmt.Formatter], so that every verb hides it.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// MarshalText hides it from encoders, those of log handlers among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// LogValue hides it from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }
