package engine

import (
	"errors"
	"strings"
	"testing"
)

func TestMark(t *testing.T) {
	own := Mark{"bitcask", 2}
	for text, say := range map[string]string{
		own.Line():                       "",
		Mark{"bitcask", 1}.Line():        "", // an older format
		"rldb engine=bitcask format=2":   "", // without the line's end
		Mark{"bitcask", 3}.Line():        "format 3 of the engine bitcask, and this version of rldb knows formats up to 2",
		Mark{"lsm", 1}.Line():            "holds data of the engine lsm, not of bitcask",
		Mark{"lsm", 9}.Line():            "holds data of the engine lsm, not of bitcask",
		"":                               "not a data directory of rldb",
		"something else\n":               "not a data directory of rldb",
		"rldb engine=bitcask\n":          "not a data directory of rldb",
		"rldb engine= format=1\n":        "not a data directory of rldb",
		"rldb engine=bitcask format=0\n": "not a data directory of rldb",
		"rldb engine=bitcask format=x\n": "not a data directory of rldb",
		own.Line() + own.Line():          "not a data directory of rldb",
	} {
		err := own.Check("somewhere", text)
		switch {
		case say == "" && err != nil:
			t.Errorf("%q: error %v", text, err)
		case say != "" && (!errors.Is(err, ErrDirectory) || !strings.Contains(err.Error(), say) || !strings.Contains(err.Error(), "somewhere")):
			t.Errorf("%q: error %v, want %q", text, err, say)
		}
	}
}

// FuzzMark: whatever a directory's mark says, it is judged without a panic, and
// taken for ours only if it names us and a format that we know.
func FuzzMark(f *testing.F) {
	ours := Mark{Engine: "one", Format: 2}
	f.Add(ours.Line())
	f.Add("two 9")
	f.Fuzz(func(t *testing.T, text string) {
		if ours.Check("dir", text) == nil && !strings.Contains(text, ours.Engine) {
			t.Errorf("%q was taken for ours", text)
		}
	})
}
