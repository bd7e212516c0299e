package command

func scriptingRows() []row { return nil }
