package command

func connectionRows() []row {
	return []row{
		{name: "ping", arity: -1, flags: fast | anywhere | subscribed, run: func(c *call) { c.w.Status("PONG") },
			group: "connection", since: "1.0.0", complexity: "O(1)", summary: "Answers PONG."},
	}
}
