package command

// stringRows are the commands on strings: values as a whole here, parts of
// them, numbers and comparisons in the files beside this one.
func stringRows() []row {
	rows := wholeRows()
	rows = append(rows, partRows()...)
	rows = append(rows, numberRows()...)
	rows = append(rows, manyRows()...)
	for i := range rows {
		r := &rows[i]
		r.group, r.cats = "string", "string"
		if !r.keyed() { // most have one key, right behind the name
			r.first, r.last, r.step = 1, 1, 1
		}
	}
	return rows
}

// wholeRows are the commands that take or give one value as a whole.
func wholeRows() []row {
	return []row{
		{name: "get", arity: 2, flags: readonly | fast, access: "RO access", run: cmdGet,
			since: "1.0.0", complexity: "O(1)", syntax: "key",
			summary: "Gives the value of a key."},
		{name: "set", arity: -3, flags: write | denyoom | blind, access: "RW access update variable_flags", run: cmdSet, reads: setReads, unread: setUnread,
			since: "1.0.0", complexity: "O(1)",
			syntax: "key value [condition(NX|XX|IFEQ=ifeq-value|IFNE=ifne-value|IFDEQ=ifdeq-digest|IFDNE=ifdne-digest)] [GET] " +
				"[expiration(EX=seconds:integer|PX=milliseconds:integer|EXAT=unix-time-seconds:unix-time|PXAT=unix-time-milliseconds:unix-time|KEEPTTL)]",
			summary: "Gives a key a value, whatever it held; on demand only under a condition, with an expiry, or answering the old value."},
		{name: "setnx", arity: 3, flags: write | denyoom | fast | blind, access: "OW insert", run: cmdSetNX,
			since: "1.0.0", complexity: "O(1)", syntax: "key value",
			summary: "Gives a key a value if it has none."},
		{name: "setex", arity: 4, flags: write | denyoom | blind, access: "OW update", run: cmdSetEX, unread: alwaysUnread,
			since: "2.0.0", complexity: "O(1)", syntax: "key seconds:integer value",
			summary: "Gives a key a value that expires after some seconds."},
		{name: "psetex", arity: 4, flags: write | denyoom | blind, access: "OW update", run: cmdPSetEX, unread: alwaysUnread,
			since: "2.6.0", complexity: "O(1)", syntax: "key milliseconds:integer value",
			summary: "Gives a key a value that expires after some milliseconds."},
		{name: "getset", arity: 3, flags: write | denyoom | fast, access: "RW access update", run: cmdGetSet,
			since: "1.0.0", complexity: "O(1)", syntax: "key value",
			summary: "Gives a key a new value and answers the old one."},
		{name: "getdel", arity: 2, flags: write | fast, access: "RW access delete", run: cmdGetDel,
			since: "6.2.0", complexity: "O(1)", syntax: "key",
			summary: "Answers the value of a key and removes the key."},
		{name: "getex", arity: -2, flags: write | fast, access: "RW access update", run: cmdGetEX,
			since: "6.2.0", complexity: "O(1)",
			syntax:  "key [expiration(EX=seconds:integer|PX=milliseconds:integer|EXAT=unix-time-seconds:unix-time|PXAT=unix-time-milliseconds:unix-time|PERSIST)]",
			summary: "Answers the value of a key and changes when it expires."},
		{name: "digest", arity: 2, flags: readonly | fast | ours, access: "RO access", run: cmdDigest,
			since: "8.4.0", complexity: "O(N) with a value of N bytes.", syntax: "key",
			summary: "Gives the XXH3 hash of a key's value, as 16 hexadecimal digits."},
		{name: "delex", arity: -2, flags: write | fast | blind | ours, access: "RW delete variable_flags", run: cmdDelEX, reads: delEXReads,
			since: "8.4.0", complexity: "O(1), or O(N) to compare or hash a value of N bytes.",
			syntax:  "key [condition(IFEQ=ifeq-value|IFNE=ifne-value|IFDEQ=ifdeq-digest|IFDNE=ifdne-digest)]",
			summary: "Removes a key if its value, or the hash of its value, is or is not the one given."},
	}
}

// partRows are the commands that look into a value or change a part of it.
func partRows() []row {
	return []row{
		{name: "append", arity: 3, flags: write | denyoom | fast, access: "RW insert", run: cmdAppend,
			since: "2.0.0", complexity: "O(N), N being the new length.", syntax: "key value",
			summary: "Adds bytes at the end of a key's value, which is empty if there was none."},
		{name: "strlen", arity: 2, flags: readonly | fast, access: "RO", run: cmdStrLen,
			since: "2.2.0", complexity: "O(1)", syntax: "key",
			summary: "Gives the length of a key's value in bytes."},
		{name: "getrange", arity: 4, flags: readonly, access: "RO access", run: cmdGetRange,
			since: "2.4.0", complexity: "O(N) with N bytes answered.", syntax: "key start:integer end:integer",
			summary: "Gives the bytes of a value from one offset to another, both included."},
		{name: "substr", arity: 4, flags: readonly, access: "RO access", run: cmdGetRange,
			since: "1.0.0", complexity: "O(N) with N bytes answered.", syntax: "key start:integer end:integer",
			summary: "The old name of GETRANGE."},
		{name: "setrange", arity: 4, flags: write | denyoom, access: "RW update", run: cmdSetRange, grows: setRangeGrows,
			since: "2.2.0", complexity: "O(N), N being the new length.", syntax: "key offset:integer value",
			summary: "Overwrites a value from an offset on; zero bytes fill what was not there."},
		{name: "lcs", arity: -3, flags: readonly, first: 1, last: 2, step: 1, access: "RO access", run: cmdLCS,
			since: "7.0.0", complexity: "O(N*M) with values of N and M bytes.",
			syntax:  "key1:key key2:key [LEN] [IDX] [MINMATCHLEN=len:integer] [WITHMATCHLEN]",
			summary: "Finds the longest common subsequence of two values."},
	}
}

// numberRows are the commands that count.
func numberRows() []row {
	counter := write | denyoom | fast
	return []row{
		{name: "incr", arity: 2, flags: counter, access: "RW access update", run: cmdIncr,
			since: "1.0.0", complexity: "O(1)", syntax: "key",
			summary: "Adds one to the integer that a key holds; a missing key counts as 0."},
		{name: "decr", arity: 2, flags: counter, access: "RW access update", run: cmdDecr,
			since: "1.0.0", complexity: "O(1)", syntax: "key",
			summary: "Takes one from the integer that a key holds; a missing key counts as 0."},
		{name: "incrby", arity: 3, flags: counter, access: "RW access update", run: cmdIncrBy,
			since: "1.0.0", complexity: "O(1)", syntax: "key increment:integer",
			summary: "Adds to the integer that a key holds; a missing key counts as 0."},
		{name: "decrby", arity: 3, flags: counter, access: "RW access update", run: cmdDecrBy,
			since: "1.0.0", complexity: "O(1)", syntax: "key decrement:integer",
			summary: "Takes from the integer that a key holds; a missing key counts as 0."},
		{name: "incrbyfloat", arity: 3, flags: counter, access: "RW access update", run: cmdIncrByFloat,
			since: "2.6.0", complexity: "O(1)", syntax: "key increment:double",
			summary: "Adds to the floating-point number that a key holds; a missing key counts as 0."},
		{name: "increx", arity: -2, flags: counter | ours, access: "RW access update", run: cmdIncrEX,
			since: "8.8.0", complexity: "O(1)",
			syntax: "key [increment(BYFLOAT=float:double|BYINT=integer:integer)] [LBOUND=lowerbound] [UBOUND=upperbound] [SATURATE] " +
				"[expiration(EX=seconds:integer|PX=milliseconds:integer|EXAT=unix-time-seconds:unix-time|PXAT=unix-time-milliseconds:unix-time|PERSIST)] [ENX]",
			summary: "Adds to the number that a key holds, within bounds, and changes when it expires; answers the number and what was added."},
	}
}

// manyRows are the commands on many values at once.
func manyRows() []row {
	return []row{
		{name: "mget", arity: -2, flags: readonly | fast, first: 1, last: -1, step: 1, access: "RO access", run: cmdMGet,
			since: "1.0.0", complexity: "O(N) with N keys.", syntax: "key...",
			summary: "Gives the values of many keys."},
		{name: "mset", arity: -3, flags: write | denyoom | blind, first: 1, last: -1, step: 2, access: "OW update", run: cmdMSet, unread: alwaysUnread,
			since: "1.0.1", complexity: "O(N) with N keys.", syntax: "data{key value}...",
			summary: "Gives many keys their values at once."},
		{name: "msetnx", arity: -3, flags: write | denyoom | blind, first: 1, last: -1, step: 2, access: "OW insert", run: cmdMSetNX,
			since: "1.0.1", complexity: "O(N) with N keys.", syntax: "data{key value}...",
			summary: "Gives many keys their values at once if none of them has one."},
		{name: "msetex", arity: -4, flags: write | denyoom | blind | movable | ours, keys: msetEXKeys, access: "OW update", run: cmdMSetEX, unread: msetEXUnread,
			since: "8.4.0", complexity: "O(N) with N keys.",
			syntax: "numkeys:integer data{key value}... [condition(NX|XX)] " +
				"[expiration(EX=seconds:integer|PX=milliseconds:integer|EXAT=unix-time-seconds:unix-time|PXAT=unix-time-milliseconds:unix-time|KEEPTTL)]",
			summary: "Gives many keys their values and one expiry at once; on demand only if all or none of them have a value."},
	}
}
