package nuscenes

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// wantResults is what a results file must be.
const wantResults = `want an object {"meta": {"use_camera": true, ...}, "results": {sample token: [boxes]}}`

// resultsKind returns what a text is that people give in place of detection
// results, and what to give instead; "" if it looks like results.
func resultsKind(text string) string {
	switch kind := filekind.Kind([]byte(text[:min(filekind.Head, len(text))])); {
	case kind == "a zip archive":
		return "is " + zipKind(text)
	case kind != "":
		return "is " + kind + "; want " + remedy(kind)
	case strings.HasPrefix(text, filekind.BOM):
		return "begins with a byte order mark (UTF-8: EF BB BF), which JSON may not have; want it written without one, in Python with encoding=\"utf-8\""
	case text[:min(filekind.Head, len(text))] == strings.Repeat("\x00", min(filekind.Head, len(text))):
		return "begins with bytes of zero, as an interrupted copy leaves them; want it copied again"
	case strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{'"):
		return "is a Python dictionary as print writes it; want JSON, as json.dump writes it"
	}
	o := newOutline(text)
	for _, k := range resultsKinds {
		if k.is(&o) {
			return k.what
		}
	}
	return ""
}

// remedy returns what to give in place of a kind of file.
func remedy(kind string) string {
	switch {
	case kind == "a pickle":
		return "JSON, which mmdetection3d writes with --format-only or jsonfile_prefix (pts_bbox/results_nusc.json)"
	case kind == "a Git LFS pointer":
		return "the file itself, which git lfs pull fetches"
	case kind == "a git-annex pointer":
		return "the file itself, which git annex get fetches"
	case kind == "an HTML page":
		return "the file itself: servers send a page in place of a file that is gone or needs a login"
	case kind == "a text in UTF-16":
		return "UTF-8 without a byte order mark"
	case strings.HasSuffix(kind, " archive"):
		return "the file in it, unpacked"
	}
	return "detection results as JSON"
}

// zipKind describes a zip archive by the files in it.
func zipKind(text string) string {
	archive, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		return "a zip archive that is broken: " + err.Error()
	}
	var results []string
	for _, f := range archive.File {
		switch name := strings.ToLower(f.Name); {
		case strings.HasSuffix(name, "_lidarseg.bin"):
			return "a zip archive of lidar segmentation; want detection results as JSON"
		case strings.HasSuffix(name, "_panoptic.npz"):
			return "a zip archive of panoptic segmentation; want detection results as JSON"
		case strings.HasSuffix(name, "data.pkl"):
			return "a PyTorch checkpoint; want the results that the network gives, as JSON"
		case strings.HasSuffix(name, ".npy"):
			return "an archive of NumPy arrays; want JSON"
		case strings.HasSuffix(name, ".json"):
			results = append(results, f.Name)
		}
	}
	if len(results) == 0 {
		return "a zip archive without JSON files; want detection results as JSON"
	}
	return "a zip archive; unpack it and give " + likeliestResults(results)
}

// Bounds of the search for results in a folder.
const (
	folderDepth   = 4
	folderEntries = 10_000
)

// folderKind describes a folder that was given in place of results.
func folderKind(folder string) string {
	var found []string
	entries := 0
	_ = fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error { // what cannot be read is not found
		entries++
		switch {
		case err != nil || entries > folderEntries:
			return fs.SkipDir
		case entry.IsDir() && strings.Count(name, "/") >= folderDepth:
			return fs.SkipDir
		case path.Ext(name) == ".json":
			found = append(found, name)
		}
		return nil
	})
	if len(found) == 0 {
		return "is a folder without JSON files; want a results file"
	}
	return "is a folder; want a results file: it has " + likeliestResults(found)
}

// likeliestResults lists file names, those of results first.
func likeliestResults(names []string) string {
	slices.SortStableFunc(names, func(a, b string) int { return likeness(b) - likeness(a) })
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more JSON files", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

func likeness(name string) int {
	if strings.Contains(strings.ToLower(path.Base(name)), "result") {
		return 1
	}
	return 0
}

// outline is the beginning of a JSON text: what tells kinds of files apart.
type outline struct {
	list    bool     // whether it is one
	keys    []string // of the object, or of the list's first element
	value   byte     // first one of the first member's value that is an object or a list
	inner   []string // keys of that value, or of the first object in it
	names   bool     // whether that value is a list of texts
	results byte     // first one of what results has
	sample  byte     // first one of what its first sample has that is not empty
	box     []string // keys of that, or of the first object in it
	byID    bool     // whether this has a number for its class
}

const outlineKeys = 100 // that are looked at of an object

func newOutline(text string) (o outline) {
	r := pull.NewReader(text)
	if o.list = r.Peek() == '['; o.list {
		_, o.keys, _ = firstObject(r)
		return o
	}
	for key := range r.Object() {
		o.keys = append(o.keys, strings.Clone(key))
		switch first := r.Peek(); {
		case key == "results":
			o.lookIntoResults(r)
			return o
		case key != "meta" && o.value == 0 && (first == '{' || first == '['):
			raw := r.Raw()
			o.value, o.inner, _ = firstObject(pull.NewReader(raw))
			o.names = raw != "" && pull.NewReader(raw[1:]).Peek() == '"' && first == '['
		default:
			r.Skip()
		}
		if len(o.keys) == outlineKeys {
			break
		}
	}
	return o
}

// lookIntoResults reads up to the first sample with a box.
func (o *outline) lookIntoResults(r *pull.Reader) {
	if o.results = r.Peek(); o.results != '{' {
		_, o.box, o.byID = firstObject(r)
		return
	}
	for range r.Object() {
		raw := r.Raw()
		if o.sample, o.box, o.byID = firstObject(pull.NewReader(raw)); o.box != nil {
			return
		}
	}
}

// firstObject returns how a value begins, and the keys of the object that it is or
// that a list begins with. byID is whether that has a number for a class.
func firstObject(r *pull.Reader) (first byte, keys []string, byID bool) {
	first = r.Peek()
	if first == '[' {
		for range r.Array() {
			_, keys, byID = firstObject(r)
			break
		}
		return first, keys, byID
	}
	if first != '{' {
		return first, nil, false
	}
	for key := range r.Object() {
		keys = append(keys, strings.Clone(key))
		if key == "detection_name" {
			byID = '0' <= r.Peek() && r.Peek() <= '9'
		}
		if len(keys) == outlineKeys {
			break
		}
		r.Skip()
	}
	return first, keys, byID
}

func (o *outline) has(keys ...string) bool { return hasAll(o.keys, keys) }

func hasAll(keys, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(key string) bool { return !slices.Contains(keys, key) })
}

func hasAny(keys []string, some ...string) bool {
	return slices.ContainsFunc(some, func(key string) bool { return slices.Contains(keys, key) })
}

// arrays are names of mmdetection3d's arrays, which hold all boxes of a sample.
var arrays = []string{"boxes_3d", "bboxes_3d", "labels_3d", "scores_3d", "pts_bbox", "img_bbox"}

// resultsKinds are files in place of detection results, by their outlines. The
// first that fits counts.
var resultsKinds = []struct {
	is   func(*outline) bool
	what string
}{
	{func(o *outline) bool {
		return hasAny(o.box, "tracking_name", "tracking_id", "tracking_score") && !hasAny(o.box, "detection_name")
	}, "has tracking results (tracking_name, tracking_id); want detection results, whose boxes have detection_name, detection_score and attribute_name"},
	{func(o *outline) bool {
		return hasAny(o.box, arrays...) || o.list && hasAny(o.keys, arrays...) || !o.list && !o.has("results") && hasAny(o.inner, arrays...)
	}, "has mmdetection3d's own arrays (boxes_3d, scores_3d, labels_3d); want nuScenes' submission format, which it writes with --format-only or jsonfile_prefix (pts_bbox/results_nusc.json)"},
	{func(o *outline) bool { return o.byID },
		"has numbers as detection_name; want names of classes, such as car: which number is which class is the detector's own choice"},
	{func(o *outline) bool { return o.results == '[' },
		"has a list as results; " + wantResults},
	{func(o *outline) bool { return o.list && o.has("instance_token", "sample_token") },
		"is the table of true boxes, sample_annotation.json; want what a detector found"},
	{func(o *outline) bool { return o.list && o.has("instance", "sample", "prediction") },
		"has results of the prediction task; want detection results"},
	{func(o *outline) bool { return o.list && o.has("image_id") },
		"has results in COCO's format, which are boxes in images; want boxes in space in nuScenes' submission format"},
	{func(o *outline) bool { return o.list && o.has("token") },
		"is a table of a data set; want detection results"},
	{func(o *outline) bool { return o.list },
		"is a list; " + wantResults},
	{func(o *outline) bool { return o.has("results") }, // what follows is told by the keys in place of it
		""},
	{func(o *outline) bool { return o.has("images", "annotations") },
		"is a data set in COCO's format; want detection results in nuScenes' submission format"},
	{func(o *outline) bool { return hasAny(o.keys, "data_list", "infos", "metainfo") },
		"is an info file of mmdetection3d, which lists its input; want detection results"},
	{func(o *outline) bool { return hasAny(o.keys, "nd_score", "label_aps", "car:0.5") },
		"is the outcome of an evaluation; want the detection results that were graded"},
	{func(o *outline) bool { return hasAll(o.inner, []string{"meta", "results"}) },
		"lacks meta and results, and has an object with both one level deeper; " + wantResults},
	{func(o *outline) bool { return o.has("sample_token") },
		"is one box, or a box a line; " + wantResults},
	{func(o *outline) bool { return o.names },
		"has lists of names, as splits.json has; want detection results"},
	{func(o *outline) bool {
		return o.value == '[' && (o.inner == nil || hasAny(o.inner, "sample_token", "translation"))
	}, "lacks meta and results, and has samples in their place; " + wantResults},
}
