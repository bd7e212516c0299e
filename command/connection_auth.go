package command

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
)

// There is one user, default, whose password is requirepass. Without a
// requirepass everybody is that user, whatever password he gives.
const defaultUser = "default"

const (
	errWrongPass  = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword = "ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?"
	errHelloAuth = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol " +
		"version at the same time"
)

func cmdAuth(c *call) {
	name, password := []byte(defaultUser), c.args[len(c.args)-1]
	switch len(c.args) {
	case 2:
		if c.srv.Settings().RequirePass == "" {
			c.fail(errNoPassword)
			return
		}
	case 3:
		name = c.args[1]
	default:
		c.fail(errSyntax)
		return
	}
	if c.authenticate(name, password) {
		c.w.OK()
	}
}

// authenticate lets the client in, or replies why not; then it is what it was.
func (c *call) authenticate(name, password []byte) bool {
	want := c.srv.Settings().RequirePass
	if string(name) != defaultUser || want != "" && !samePassword(want, password) {
		c.fail(errWrongPass)
		return false
	}
	c.cl.login(true)
	return true
}

// samePassword takes the same time wherever the two differ, and whatever their
// lengths.
func samePassword(want string, got []byte) bool {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256(got)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// cmdHello takes its options in order, and does what each says as soon as it is
// met, also if HELLO fails then: so does Redis 7.0.
func cmdHello(c *call) {
	proto := c.w.Proto()
	if len(c.args) > 1 {
		n, ok := parseInt(c.args[1])
		switch {
		case !ok:
			c.fail("ERR Protocol version is not an integer or out of range")
			return
		case n != 2 && n != 3:
			c.fail("NOPROTO unsupported protocol version")
			return
		}
		proto = int(n)
	}
	for i := 2; i < len(c.args); i++ {
		more := len(c.args) - 1 - i
		switch {
		case c.is(i, "AUTH") && more >= 2:
			if !c.authenticate(c.args[i+1], c.args[i+2]) {
				return
			}
			i += 2
		case c.is(i, "SETNAME") && more >= 1:
			if !c.nameClient(c.args[i+1]) {
				return
			}
			i++
		default:
			c.fail("ERR Syntax error in HELLO option '" + clean(c.args[i]) + "'")
			return
		}
	}
	if !c.cl.authed && c.srv.Settings().RequirePass != "" {
		c.fail(errHelloAuth)
		return
	}
	if proto != c.w.Proto() {
		c.switchProto(proto)
	}
	c.introduce(proto)
}

// introduce replies what HELLO tells a client.
func (c *call) introduce(proto int) {
	c.w.Map(7)
	c.w.BulkString("server")
	c.w.BulkString("redis")
	c.w.BulkString("version")
	c.w.BulkString(c.srv.Settings().RedisVersion)
	c.w.BulkString("proto")
	c.w.Int(int64(proto))
	c.w.BulkString("id")
	c.w.Int(c.s.ID())
	c.w.BulkString("mode")
	c.w.BulkString(c.srv.mode())
	c.w.BulkString("role")
	c.w.BulkString("master")
	c.w.BulkString("modules")
	c.w.Array(0)
}

// redacted stands for a password where commands are shown.
var redacted = []byte("(redacted)")

// withoutSecrets are the command's words with every one hidden that is, or may
// be, a password: what MONITOR and the slow log show.
func (c *call) withoutSecrets() [][]byte {
	hide := func(secret func(i int) bool) [][]byte {
		shown := slices.Clone(c.args)
		for i := range shown {
			if secret(i) {
				shown[i] = redacted
			}
		}
		return shown
	}
	switch c.row.full {
	case "auth":
		return hide(func(i int) bool { return i > 0 })
	case "config|set":
		return hide(func(i int) bool { return i > 2 && i%2 == 1 && c.is(i-1, "REQUIREPASS") })
	case "acl|setuser":
		return hide(func(i int) bool { return i > 2 })
	case "hello":
		return c.helloWithoutSecrets()
	}
	return c.args
}

// helloWithoutSecrets reads the options from the start: a client may well be
// named AUTH.
func (c *call) helloWithoutSecrets() [][]byte {
	shown := slices.Clone(c.args)
	for i := 2; i < len(shown); i++ {
		switch {
		case c.is(i, "AUTH"):
			for j := i + 1; j <= min(i+2, len(shown)-1); j++ {
				shown[j] = redacted
			}
			i += 2
		case c.is(i, "SETNAME"):
			i++
		}
	}
	return shown
}
