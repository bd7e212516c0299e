package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// report is the whole run, as it is written to the JSON file.
type report struct {
	Started   time.Time         `json:"started"`
	Finished  time.Time         `json:"finished"`
	Arguments []string          `json:"arguments"`
	Settings  map[string]string `json:"settings"`
	Machine   machine           `json:"machine"`
	Rows      []row             `json:"rows"`
	Discarded []discarded       `json:"discarded,omitempty"`
}

// discarded is a run that was not counted.
type discarded struct {
	What    string `json:"what"`
	Subject string `json:"subject"`
	Why     string `json:"why"`
}

// write replaces the file, never leaving half of one.
func (r report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
