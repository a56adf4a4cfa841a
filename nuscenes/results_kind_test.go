package nuscenes_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// box is a box of results without the names that tasks differ in.
const box = `{"sample_token":"a","translation":[1,2,3],"size":[2,4,1],"rotation":[1,0,0,0],"velocity":[0,0],`

// TestOtherKindsOfFilesAreNamed and what is to be given in their place.
func TestOtherKindsOfFilesAreNamed(t *testing.T) {
	wrap := func(results string) string { return `{"meta":{},"results":` + results + `}` }
	found := box + `"detection_name":"car","detection_score":1,"attribute_name":""}`
	tests := []struct{ name, text, want string }{
		{"zip", zipped(t, "results_nusc.json"), "is a zip archive; unpack it and give results_nusc.json"},
		{"zip of segmentation", zipped(t, "test/submission.json", "lidarseg/test/a_lidarseg.bin"), "lidar segmentation; want detection results"},
		{"zip of panoptic segmentation", zipped(t, "panoptic/a_panoptic.npz"), "panoptic segmentation; want detection"},
		{"checkpoint", zipped(t, "archive/data.pkl", "archive/data/0"), "is a PyTorch checkpoint"},
		{"arrays", zipped(t, "boxes.npy"), "is an archive of NumPy arrays"},
		{"half a zip", zipped(t, "results_nusc.json")[:40], "is a zip archive that is broken"},
		{"gzip", "\x1f\x8b\x08\x00", "is a gzip archive; want the file in it, unpacked"},
		{"pickle", "\x80\x04\x95\x10", "is a pickle; want JSON, which mmdetection3d writes with --format-only"},
		{"mark", "\ufeff" + wrap(`{"a":[]}`), "begins with a byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "is a text in UTF-16; want UTF-8"},
		{"pointer", "version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer; want the file itself, which git lfs pull fetches"},
		{"page", "<!DOCTYPE html>\n<html>", "is an HTML page"},
		{"zeros", "\x00\x00", "begins with bytes of zero"},
		{"print", "{'meta': {'use_camera': True}}", "is a Python dictionary as print writes it"},
		{"NaN", "NaN", "found NaN, want an object"},
		{"tracks", wrap(`{"a":[],"b":[` + box + `"tracking_id":"1","tracking_name":"car","tracking_score":1}]}`), "has tracking results"},
		{"arrays of all boxes", `[{"boxes_3d":[[1]],"scores_3d":[1],"labels_3d":[0]}]`, "has mmdetection3d's own arrays"},
		{"nested arrays", `[{"pts_bbox":{"boxes_3d":[[1]]}}]`, "has mmdetection3d's own arrays"},
		{"arrays by sample", wrap(`{"a":{"boxes_3d":[[1]]}}`), "has mmdetection3d's own arrays"},
		{"numbers of classes", wrap(`{"a":[` + box + `"detection_name":3,"detection_score":1,"attribute_name":""}]}`), "has numbers as detection_name; want names"},
		{"list of boxes in results", wrap(`[` + found + `]`), "has a list as results"},
		{"truth", `[{"token":"t","sample_token":"a","instance_token":"i"}]`, "is the table of true boxes, sample_annotation.json"},
		{"predictions", `[{"instance":"i","sample":"a","prediction":[[[1,2]]],"probabilities":[1]}]`, "has results of the prediction task"},
		{"COCO", `[{"image_id":1,"bbox":[1,2,3,4]}]`, "has results in COCO's format"},
		{"COCO set", `{"images":[],"annotations":[]}`, "is a data set in COCO's format"},
		{"table", `[{"token":"t","name":"n"}]`, "is a table of a data set"},
		{"list", `[[1]]`, `is a list; want an object {"meta"`},
		{"infos", `{"metainfo":{},"data_list":[]}`, "is an info file of mmdetection3d"},
		{"metrics", `{"label_aps":{},"nd_score":1}`, "is the outcome of an evaluation"},
		{"nested", `{"pts_bbox":` + wrap(`{}`) + `}`, "has an object with both one level deeper"},
		{"splits", `{"mine":["scene-0103"]}`, "has lists of names, as splits.json has"},
		{"bare and empty", `{"a":[],"b":[]}`, "lacks meta and results, and has samples in their place"},
		{"bare", `{"a":[` + found + `]}`, "lacks meta and results, and has samples in their place"},
		{"lines", found + "\n" + found, "is one box, or a box a line"},
		// What is wrong with results of detection is told as it is.
		{"broken box", wrap(`{"a":[{"sample_token":"b","detection_name":"car","tracking_name":"car"}]}`), "field sample_token"},
		{"broken behind", `{"infos":[],"results":{"a":[{"sample_token":"b"}]},"meta":{}}`, "field sample_token"},
	}
	for _, test := range tests {
		_, err := nuscenes.ParseResults("r.json", test.text)
		var wrong *nuscenes.ResultsError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func zipped(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFoldersNameTheResultsInThem(t *testing.T) {
	dir := t.TempDir()
	if _, err := nuscenes.ReadResults(dir); err == nil || !strings.Contains(err.Error(), "is a folder without JSON files") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"a.json", "config/b.json", "pts_bbox/results_nusc.json", "c.json"} {
		tinyset.WriteFile(t, filepath.Join(dir, name), nil)
	}
	const want = "is a folder; want a results file: it has pts_bbox/results_nusc.json, a.json, c.json and 1 more JSON files"
	if _, err := nuscenes.ReadResults(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
