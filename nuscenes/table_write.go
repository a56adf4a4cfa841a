package nuscenes

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// tableNames are the tables of a version.
var tableNames = [...]string{
	"attribute", "calibrated_sensor", "category", "ego_pose", "instance", "log", "map",
	"sample", "sample_annotation", "sample_data", "scene", "sensor", "visibility",
}

// Writer writes the tables of a version, row by row in the order that they come
// in. It holds no rows, so that a set may be larger than memory. It does not
// check that tokens lead anywhere; [Open] does.
//
// The first error stays: later rows are dropped, and [Writer.Close] returns it.
type Writer struct {
	folder string
	tables map[string]*tableWriter
	err    error
}

// Create makes the folder DIR/VERSION and begins all thirteen tables in it; those
// that are there are overwritten. Until Close has returned, [Open] refuses them.
func Create(dir, version string) (*Writer, error) {
	w := &Writer{folder: filepath.Join(dir, version), tables: map[string]*tableWriter{}}
	if err := os.MkdirAll(w.folder, 0o755); err != nil {
		return nil, fmt.Errorf("nuscenes: %w", err)
	}
	for _, name := range tableNames {
		file, err := os.Create(filepath.Join(w.folder, name+".json"))
		if err != nil {
			w.err = fmt.Errorf("nuscenes: %w", err)
			return nil, w.Close()
		}
		w.tables[name] = &tableWriter{file: file, text: bufio.NewWriterSize(file, 1<<16)}
	}
	return w, nil
}

// Add appends rows to their tables.
func (w *Writer) Add(rows ...Row) {
	for _, row := range rows {
		if w.err != nil {
			return
		}
		t := w.tables[row.Table()]
		if t == nil {
			w.err = fmt.Errorf("nuscenes: %s is no table, want one of %v", row.Table(), tableNames)
			return
		}
		if err := t.add(row); err != nil {
			w.err = fmt.Errorf("nuscenes: %s: row %d: %w", t.file.Name(), t.rows, err)
		}
	}
}

// Splits writes splits.json, which names custom splits and their scenes.
func (w *Writer) Splits(scenes map[string][]string) {
	text, err := json.MarshalIndent(scenes, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(w.folder, "splits.json"), append(text, '\n'), 0o644)
	}
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("nuscenes: splits: %w", err)
	}
}

// Close completes the tables. It returns the first error of all writing.
func (w *Writer) Close() error {
	for _, name := range tableNames {
		t := w.tables[name]
		if t == nil {
			continue // Create came no further
		}
		if err := t.close(w.err == nil); err != nil && w.err == nil {
			w.err = fmt.Errorf("nuscenes: %w", err)
		}
	}
	return w.err
}

// tableWriter writes one table: a list of objects, a field a line.
type tableWriter struct {
	file *os.File
	text *bufio.Writer
	rows int
}

func (t *tableWriter) add(row Row) error {
	text, err := json.MarshalIndent(row, " ", " ")
	if err != nil {
		return err
	}
	t.begin()
	t.rows++
	_, err = t.text.Write(text)
	return err
}

// begin writes what stands before a row.
func (t *tableWriter) begin() {
	if t.rows == 0 {
		t.text.WriteByte('[')
	} else {
		t.text.WriteByte(',')
	}
	t.text.WriteString("\n ")
}

// close completes the table, unless an error has made it worthless.
func (t *tableWriter) close(complete bool) error {
	switch {
	case !complete:
	case t.rows == 0:
		t.text.WriteString("[]\n")
	default:
		t.text.WriteString("\n]\n")
	}
	return errors.Join(t.text.Flush(), t.file.Close())
}
