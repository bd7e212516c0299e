package command

func genericRows() []row { return nil }
