package command

// hub is who listens to which channels.
type hub struct{}

func (h *hub) leave(cl *client) {}
