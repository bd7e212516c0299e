//go:build race || !linux

package resp

// Other systems cannot move pages, and the race detector watches the Go heap
// only: there, large buffers are plain ones.

func mapBuffer(int) ([]byte, bool) { return nil, false }

func remapBuffer([]byte, int) ([]byte, bool) { return nil, false }

func unmapBuffer([]byte) {}
