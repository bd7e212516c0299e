package command

// tooLong says whether a value of n+m bytes is longer than the settings allow;
// the error is replied.
func (c *call) tooLong(n, m int64) bool {
	limit := c.srv.Settings().MaxBulk
	if n <= limit && m <= limit-n {
		return false
	}
	c.fail(errTooLong)
	return true
}

func cmdAppend(c *call) {
	old, found := c.get(0)
	more := c.args[2]
	if !found {
		c.set(0, more, 0)
		c.w.Int(int64(len(more)))
		return
	}
	if c.tooLong(int64(len(old)), int64(len(more))) {
		return
	}
	data := c.scratch(len(old) + len(more))
	move(data[move(data, old):], more)
	c.set(0, data, c.expireAt(0))
	c.w.Int(int64(len(data)))
}

func cmdStrLen(c *call) {
	v, _ := c.get(0)
	c.w.Int(int64(len(v)))
}

// cmdGetRange is also SUBSTR.
func cmdGetRange(c *call) {
	start, ok := c.intArg(2)
	if !ok {
		return
	}
	end, ok := c.intArg(3)
	if !ok {
		return
	}
	v, _ := c.get(0)
	c.w.Bulk(substring(v, start, end))
}

// substring is v from one offset to another, both included. Negative offsets count
// from the end; those before the beginning are the beginning.
func substring(v []byte, start, end int64) []byte {
	n := int64(len(v))
	if start < 0 && end < 0 && start > end {
		return nil // as given, even if both lie before the beginning
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	if start > end {
		return nil
	}
	return v[start : end+1]
}

func cmdSetRange(c *call) {
	offset, ok := c.intArg(2)
	if !ok {
		return
	}
	if offset < 0 {
		c.fail(errOffset)
		return
	}
	old, _ := c.get(0)
	part := c.args[3]
	if len(part) == 0 {
		c.w.Int(int64(len(old))) // changes nothing, whatever the offset
		return
	}
	if c.tooLong(offset, int64(len(part))) {
		return
	}
	at := int(offset)
	data := c.scratch(max(len(old), at+len(part)))
	n := move(data, old)
	if n < at {
		zero(data[n:at]) // scratch memory has been used before
	}
	move(data[at:], part)
	c.set(0, data, c.expireAt(0))
	c.w.Int(int64(len(data)))
}
