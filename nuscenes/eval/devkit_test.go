package eval

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

func TestReports(t *testing.T) {
	ds := openTiny(t, tinyset.New())
	m := grade(t, ds, "mini_val", truthAsResults(ds))
	folder := filepath.Join(t.TempDir(), "new", "metrics")
	if err := m.WriteFiles(folder, nuscenes.CameraMeta(), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	summary := readPythonJSON(t, filepath.Join(folder, "metrics_summary.json"))
	if summary["nd_score"] != m.NDS || summary["eval_time"] != 1.5 || summary["meta"].(map[string]any)["use_camera"] != true {
		t.Errorf("summary %v", summary)
	}
	if ap := summary["label_aps"].(map[string]any)["car"].(map[string]any)["0.5"]; ap != classOf(t, m, "car").AP[0] {
		t.Errorf("AP of cars %v", ap)
	}
	details := readPythonJSON(t, filepath.Join(folder, "metrics_details.json"))
	if curve := details["car:4.0"].(map[string]any)["precision"].([]any); len(details) != 40 || len(curve) != Points || curve[50] != 1.0 {
		t.Errorf("%d curves, precision %v", len(details), curve)
	}
	if err := m.WriteFiles(filepath.Join(folder, "metrics_summary.json"), nuscenes.CameraMeta(), 0); err == nil {
		t.Error("no error although the folder is a file")
	}
	var table bytes.Buffer
	if err := (&Report{Metrics: m}).WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"mAP   0.2000", "NDS   ", "class ", "traffic_cone ", "   -  "} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %q:\n%s", line, table.String())
		}
	}
}

// readPythonJSON reads a file in which NaN may stand, as null.
func readPythonJSON(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("NaN"), []byte("null")), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
