package command

func bitmapRows() []row { return nil }
