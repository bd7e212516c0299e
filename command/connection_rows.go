package command

func connectionRows() []row {
	const early = noscript | loading | stale | fast | noAuth | allowBusy | anywhere
	return append([]row{
		{name: "ping", arity: -1, flags: fast | anywhere | subscribed, run: cmdPing,
			group: "connection", since: "1.0.0", complexity: "O(1)",
			summary: "Answers PONG, or what it was given.", syntax: "[message]", cats: "connection"},
		{name: "echo", arity: 2, flags: loading | stale | fast | anywhere, run: cmdEcho,
			group: "connection", since: "1.0.0", complexity: "O(1)",
			summary: "Answers what it was given.", syntax: "message", cats: "connection"},
		{name: "hello", arity: -1, flags: early | unpaused, run: cmdHello,
			group: "connection", since: "6.0.0", complexity: "O(1)",
			summary: "Chooses the protocol, and tells about the server; may authenticate and name the client.",
			syntax:  "[arguments{protover:integer [AUTH=username_password{username password}] [SETNAME=clientname]}]",
			cats:    "connection"},
		{name: "auth", arity: -2, flags: early | unpaused, run: cmdAuth,
			group: "connection", since: "1.0.0", complexity: "O(1)",
			summary: "Authenticates the client with a password.", syntax: "[username] password", cats: "connection"},
		{name: "quit", arity: -1, flags: early | queueless | endsMulti | subscribed, run: cmdQuit,
			group: "connection", since: "1.0.0", complexity: "O(1)",
			summary: "Closes the connection.", cats: "connection"},
		{name: "reset", arity: 1, flags: early | queueless | endsMulti | subscribed, run: cmdReset,
			group: "connection", since: "6.2.0", complexity: "O(N) with N queued commands, watched keys and subscriptions.",
			summary: "Makes the connection as good as new.", cats: "connection"},
		{name: "readonly", arity: 1, flags: loading | stale | fast | anywhere, run: cmdReadOnly,
			group: "cluster", since: "3.0.0", complexity: "O(1)",
			summary: "Accepted for clients of a cluster; without effect, as every node answers reads.", cats: "connection"},
		{name: "readwrite", arity: 1, flags: loading | stale | fast | anywhere, run: cmdOK,
			group: "cluster", since: "3.0.0", complexity: "O(1)",
			summary: "Accepted for clients of a cluster; without effect.", cats: "connection"},
		{name: "asking", arity: 1, flags: fast | anywhere, run: cmdOK,
			group: "cluster", since: "3.0.0", complexity: "O(1)",
			summary: "Accepted for clients of a cluster; without effect, as no node answers ASK.", cats: "connection"},
		{name: "client", arity: -2, group: "connection", since: "2.4.0", complexity: "Depends on the subcommand.",
			summary: "Looks after connections.", sub: clientRows()},
	}, monitorRows()...)
}

func clientRows() []row {
	return append(clientSelfRows(), clientOthersRows()...)
}

// clientSelfRows are about the client that asks.
func clientSelfRows() []row {
	const base = noscript | loading | stale | anywhere
	return []row{
		{name: "id", arity: 2, flags: base, run: cmdClientID, since: "5.0.0", complexity: "O(1)",
			summary: "Gives the number of this connection.", cats: "connection"},
		{name: "info", arity: 2, flags: base, run: cmdClientInfo, since: "6.2.0", complexity: "O(1)",
			summary: "Describes this connection.", cats: "connection"},
		{name: "getname", arity: 2, flags: base, run: cmdClientGetName, since: "2.6.9", complexity: "O(1)",
			summary: "Gives the name of this connection.", cats: "connection"},
		{name: "setname", arity: 3, flags: base, run: cmdClientSetName, since: "2.6.9", complexity: "O(1)",
			summary: "Names this connection.", syntax: "connection-name", cats: "connection"},
		{name: "setinfo", arity: 4, flags: base | ours, run: cmdClientSetInfo, since: "7.2.0", complexity: "O(1)",
			summary: "Notes which library this client uses.", syntax: "attr(LIB-NAME=libname|LIB-VER=libver)", cats: "connection"},
		{name: "reply", arity: 3, flags: base, run: cmdClientReply, since: "3.2.0", complexity: "O(1)",
			summary: "Turns replies on or off, or drops the next one.", syntax: "on-off-skip(ON|OFF|SKIP)", cats: "connection"},
		{name: "no-touch", arity: 3, flags: base | ours, run: cmdClientNoTouch, since: "7.2.0", complexity: "O(1)",
			summary: "Accepted; without effect, as no time of last use is kept of keys.", syntax: "enabled(ON|OFF)", cats: "connection"},
		{name: "getredir", arity: 2, flags: base, run: cmdClientGetRedir, since: "6.0.0", complexity: "O(1)",
			summary: "Answers -1: there is no tracking that could be redirected.", cats: "connection"},
		{name: "trackinginfo", arity: 2, flags: base, run: cmdClientTrackingInfo, since: "6.2.0", complexity: "O(1)",
			summary: "Tells that tracking is off.", cats: "connection"},
		{name: "tracking", arity: -3, flags: base, run: cmdClientTracking, since: "6.0.0", complexity: "O(1)",
			summary: "Refused, but for OFF: there is no tracking of what clients cache.",
			syntax:  "status(ON|OFF)", cats: "connection"},
		{name: "caching", arity: 3, flags: base, run: cmdClientCaching, since: "6.0.0", complexity: "O(1)",
			summary: "Refused: there is no tracking of what clients cache.", syntax: "mode(YES|NO)", cats: "connection"},
		{name: "help", arity: 2, flags: loading | stale | anywhere, run: cmdClientHelp, since: "5.0.0", complexity: "O(1)",
			summary: "Describes the subcommands of CLIENT.", cats: "connection"},
	}
}

// clientOthersRows are about other clients. Those that look at all of them may
// take a while: not in the turn of a transaction's keys.
func clientOthersRows() []row {
	const base = admin | noscript | loading | stale
	const types = "(NORMAL|MASTER|REPLICA|PUBSUB)"
	return []row{
		{name: "list", arity: -2, flags: base, run: cmdClientList, since: "2.4.0", complexity: "O(N) with N clients.",
			summary: "Describes the connections.",
			syntax:  "[TYPE=client-type" + types + "] [ID=client-id:integer...]", cats: "connection"},
		{name: "kill", arity: -3, flags: base, run: cmdClientKill, since: "2.4.0", complexity: "O(N) with N clients.",
			summary: "Closes connections.",
			syntax: "filter(ip-port|new-format(ID=client-id:integer|TYPE=type" + types +
				"|USER=username|ADDR=ip-port|LADDR=ip-port|SKIPME=yes-no|MAXAGE=maxage:integer)...)", cats: "connection"},
		{name: "no-evict", arity: 3, flags: base | anywhere, run: cmdClientNoEvict, since: "7.0.0", complexity: "O(1)",
			summary: "Spares this client when maxmemory-clients is exceeded.", syntax: "enabled(ON|OFF)", cats: "connection"},
		{name: "unblock", arity: -3, flags: base | anywhere, run: cmdClientUnblock, since: "5.0.0", complexity: "O(1)",
			summary: "Ends the command that blocks a client.",
			syntax:  "client-id:integer [timeout-error(TIMEOUT|ERROR)]", cats: "connection"},
		{name: "pause", arity: -3, flags: base | anywhere, run: cmdClientPause, since: "2.9.50", complexity: "O(1)",
			summary: "Holds all commands, or those that write, for some time.",
			syntax:  "timeout:integer [mode(WRITE|ALL)]", cats: "connection"},
		{name: "unpause", arity: 2, flags: base | anywhere | unpaused, run: cmdClientUnpause, since: "6.2.0",
			complexity: "O(N) with N clients that wait.", summary: "Ends CLIENT PAUSE.", cats: "connection"},
	}
}
