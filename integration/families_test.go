package integration

// allFamilies are the families of the differential test. A family's file holds
// its choices; mixed plays those that fit together.
func allFamilies() []family {
	families := []family{
		{name: "strings", share: 14, choices: stringChoices()},
		{name: "set", share: 14, choices: setChoices()},
		{name: "ranges", share: 8, choices: rangeChoices(), exact: true},
		{name: "counters", share: 10, choices: counterChoices(), exact: true},
		{name: "keys", share: 10, choices: keyChoices(), exact: true},
		{name: "scan", share: 3, choices: scanChoices()},
		{name: "expire", share: 8, choices: expireChoices()},
		{name: "expireat", share: 7, choices: expireAtChoices(), exact: true},
		{name: "bits", share: 9, choices: bitChoices(), exact: true},
		{name: "bitfield", share: 7, choices: bitfieldChoices()},
		{name: "lcs", share: 4, choices: lcsChoices()},
		{name: "object", share: 4, choices: objectChoices()},
		{name: "dump", share: 3, choices: dumpChoices()},
		{name: "transactions", share: 8, choices: transactionChoices(), exact: true},
		{name: "watch", share: 8, choices: watchChoices(), exact: true},
		{name: "connection", share: 6, choices: connectionChoices()},
		{name: "client", share: 5, choices: clientChoices()},
		{name: "server", share: 5, choices: serverChoices()},
		{name: "config", share: 4, choices: configChoices(), setup: configDefaults(), after: configDefaults()},
		{name: "command", share: 4, choices: commandChoices()},
		{name: "functions", share: 2, choices: functionChoices()},
		{name: "pubsub", share: 4, choices: pubsubChoices()},
		{name: "inline", share: 5, choices: inlineChoices()},
		{name: "large", share: 2, choices: largeChoices(), length: 80},
	}
	return append(families, family{name: "mixed", share: 20, choices: mixedChoices(), length: 1000})
}

// mixedChoices are all those that work on one database from one connection.
func mixedChoices() []choice {
	var all []choice
	for _, choices := range [][]choice{
		stringChoices(), setChoices(), rangeChoices(), counterChoices(), keyChoices(),
		expireAtChoices(), bitChoices(), bitfieldChoices(),
	} {
		all = append(all, choices...)
	}
	return all
}
