package command

func pubsubRows() []row { return nil }
