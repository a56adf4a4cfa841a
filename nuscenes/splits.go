package nuscenes

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// Part names scenes of a data set.
type Part struct {
	Split  string   // one that nuScenes defines for the version, or a custom one, or "all"
	File   string   // JSON file of custom splits; "" for splits.json among the tables, which need not exist
	Scenes []string // names of scenes of the split; none for all of them
}

// Split is the samples of a part of a data set.
type Split struct {
	Name     string
	Official bool      // whether nuScenes defines it
	Whole    bool      // whether results for other samples do not belong to it
	Samples  []*Sample // in the order of the sample table
	Absent   []string  // names of the split's scenes that the data set lacks
}

// official are the scene numbers of the splits that nuScenes defines, and the
// end of the name of the versions which they are for.
var official = map[string]struct{ version, scenes string }{
	"train": {"trainval", "1-2,4-11,19-34,41-76,120-135,138-139,149-152,154-155,157-168,170-185," +
		"187-188,190-196,199-200,202-204,206-214,218-220,222,224-264,283-306,315-318,321,323-324,328," +
		"347-386,388-403,405-408,410-459,461-465,467-469,471-472,474-480,499-502,504-515,517-518," +
		"525-539,541-546,566,568,570-578,580,582-600,639-679,681,683-689,695-698,700-701,703-719," +
		"726-728,730-731,733-741,744,746-747,749-752,757-765,767-769,786-787,789-792,803-806,808-813," +
		"815-817,819-822,847-856,858,860-866,868-873,875-878,880,882-903,945,947,949,952-953,955-961," +
		"975-984,988-992,994-1025,1044-1058,1074-1102,1104-1110"},
	"val": {"trainval", "3,12-18,35-36,38-39,92-110,221,268-278,329-332,344-346,519-524,552-565,625-627," +
		"629-630,632-638,770-771,775,777-778,780-784,794-800,802,904-917,919-931,962-963,966-969," +
		"971-972,1059-1073"},
	"test": {"test", "77-91,111-119,140,142-148,265-266,279-282,307-314,333-343,481-498,547-551,601-604," +
		"606-624,827-831,833-842,844-846,932-933,935-943,1026-1043"},
	"mini_train": {"mini", "61,553,655,757,796,1077,1094,1100"},
	"mini_val":   {"mini", "103,916"},
	"train_detect": {"trainval", "1-2,41-76,161-168,170-176,190-196,199-200,202-204,206-214,254-264,283-306," +
		"315-318,321,323-324,347-375,382,420-439,457-459,461-465,467-469,471-472,474-480,566,568," +
		"570-578,580,582-583,665-679,681,683-689,739-741,744,746-747,749-752,757-765,767-769,868-873," +
		"875-878,880,882-903,945,947,949,952-953,955-961,975-984,988-991,1011-1025,1074-1102,1104-1105"},
	"train_track": {"trainval", "4-11,19-34,120-135,138-139,149-152,154-155,157-160,177-185,187-188,218-220," +
		"222,224-253,328,376-381,383-386,388-403,405-408,410-419,440-456,499-502,504-515,517-518," +
		"525-539,541-546,584-600,639-664,695-698,700-701,703-719,726-728,730-731,733-738,786-787," +
		"789-792,803-806,808-813,815-817,819-822,847-856,858,860-866,992,994-1010,1044-1058,1106-1110"},
}

// OfficialSplits returns the names of the splits that nuScenes defines, sorted.
func OfficialSplits() []string {
	var names []string
	for name := range official {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// OfficialScenes returns the scene names of a split that nuScenes defines,
// sorted; none for another name.
func OfficialScenes(split string) []string {
	var names []string
	for part := range strings.SplitSeq(official[split].scenes, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		for n := from; n <= to && part != ""; n++ {
			names = append(names, fmt.Sprintf("scene-%04d", n))
		}
	}
	return names
}

// SplitOf returns the split that nuScenes has the scene in for this version: train, val,
// test or their mini ones, "" for other scenes.
func (d *Dataset) SplitOf(scene *Scene) string {
	for _, name := range []string{"train", "val", "test", "mini_train", "mini_val"} {
		if strings.HasSuffix(d.Version, official[name].version) && slices.Contains(OfficialScenes(name), scene.Name) {
			return name
		}
	}
	return ""
}

// SplitNames returns the names of the splits that nuScenes defines for the version and
// that have scenes here, and of the custom ones in splits.json.
func (d *Dataset) SplitNames() (names []string) {
	for _, name := range OfficialSplits() {
		if d.officialSplit(Part{Split: name}) != nil {
			names = append(names, name)
		}
	}
	names = append(names, d.customNames("")...)
	slices.Sort(names)
	return slices.Compact(names)
}

func (d *Dataset) splitsFile() string { return filepath.Join(d.folder(), "splits.json") }

// Split returns the samples of a split, see [Dataset.Part].
func (d *Dataset) Split(name string) (Split, error) { return d.Part(Part{Split: name}) }

// Part returns the samples of a split's scenes: of a split that nuScenes defines
// and whose version this is, if one of its scenes is there and the part has no file
// of its own; else of a custom one (the file is an object of name to scene names),
// else of "all". It fails if no sample is in it.
func (d *Dataset) Part(part Part) (Split, error) {
	split := Split{Name: part.Split, Whole: len(part.Scenes) == 0}
	scenes, err := d.officialSplit(part), error(nil)
	if split.Official = scenes != nil; !split.Official {
		if scenes, err = d.customSplit(part); err != nil {
			return Split{}, err
		}
		split.Whole = split.Whole && scenes == nil
	}
	split.Absent = d.absent(scenes)
	wanted, err := d.narrowed(scenes, part)
	if err != nil {
		return Split{}, err
	}
	for _, sample := range d.Samples {
		if wanted == nil || wanted[sample.Scene.Name] {
			split.Samples = append(split.Samples, sample)
		}
	}
	if len(split.Samples) == 0 {
		return Split{}, fmt.Errorf("nuscenes: %s has no sample of split %s%s", d.folder(), part.Split, split.absentHint())
	}
	return split, nil
}

// officialSplit returns the scenes of a split that nuScenes defines for the version,
// nil if the data set has none of them.
func (d *Dataset) officialSplit(part Part) []string {
	if part.File != "" || !strings.HasSuffix(d.Version, official[part.Split].version) {
		return nil
	}
	scenes := OfficialScenes(part.Split)
	if !slices.ContainsFunc(scenes, func(name string) bool { return d.Scene(name) != nil }) {
		return nil
	}
	return scenes
}

// absent returns the names that no scene has.
func (d *Dataset) absent(scenes []string) (absent []string) {
	for _, name := range scenes {
		if d.Scene(name) == nil {
			absent = append(absent, name)
		}
	}
	return absent
}

// absentHint says which scenes are not there, "" if all are.
func (s *Split) absentHint() string {
	if len(s.Absent) == 0 {
		return ""
	}
	return fmt.Sprintf(": it lacks all %d of its scenes, for example %s", len(s.Absent), s.Absent[0])
}

// narrowed returns the part's own scenes, all of the split if it names none.
func (d *Dataset) narrowed(scenes []string, part Part) (map[string]bool, error) {
	if len(part.Scenes) == 0 {
		return set(scenes), nil
	}
	for _, name := range part.Scenes {
		switch {
		case d.Scene(name) == nil:
			return nil, fmt.Errorf("nuscenes: %s has no scene %q", d.folder(), name)
		case scenes != nil && !slices.Contains(scenes, name):
			return nil, fmt.Errorf("nuscenes: scene %s is not of split %s", name, part.Split)
		}
	}
	return set(part.Scenes), nil
}

func (d *Dataset) folder() string { return filepath.Join(d.Dir, d.Version) }

// customSplit returns the scenes of a custom split, nil for all.
func (d *Dataset) customSplit(part Part) ([]string, error) {
	file := cmp.Or(part.File, d.splitsFile())
	scenes, names, err := readSplit(file, part.Split)
	if errors.Is(err, fs.ErrNotExist) && part.File == "" {
		err = nil
	}
	if err != nil && (part.Split != "all" || part.File != "") {
		return nil, err
	}
	if scenes != nil || part.Split == "all" {
		return scenes, nil
	}
	if part.File == "" {
		if err := d.notNuScenes(part.Split); err != nil {
			return nil, err
		}
	}
	names = append(names, append(OfficialSplits(), "all")...)
	slices.Sort(names)
	return nil, fmt.Errorf("nuscenes: no split %q, want one of %s, or a name in %s",
		part.Split, strings.Join(slices.Compact(names), ", "), file)
}

// notNuScenes returns an error if the split is one of nuScenes', whose scenes the data
// set does not have.
func (d *Dataset) notNuScenes(split string) error {
	o, known := official[split]
	if !known {
		return nil
	}
	const remedy = "name scenes of your own in splits.json among the tables, or in a file that --splits names"
	if !strings.HasSuffix(d.Version, o.version) {
		return fmt.Errorf("nuscenes: split %s is for versions whose name ends in %s, not for %s; %s", split, o.version, d.Version, remedy)
	}
	return fmt.Errorf("nuscenes: %s has no sample of split %s, which means nuScenes' scenes (%s, ...); %s",
		d.folder(), split, OfficialScenes(split)[0], remedy)
}

// readSplit reads the scenes of one of a file's custom splits, nil if it has none of
// that name, and the names of all. Others may be anything.
func readSplit(file, split string) (scenes, names []string, err error) {
	text, err := readText(file)
	if err != nil {
		return nil, nil, &TableError{File: file, Row: -1, Err: err}
	}
	r := pull.NewReader(strings.TrimPrefix(text, filekind.BOM))
	for name := range r.Object() {
		names = append(names, name)
		if name != split {
			r.Skip()
			continue
		}
		scenes = []string{}
		for range r.Array() {
			scenes = append(scenes, r.String())
		}
	}
	if err := r.End(); err != nil {
		const want = "want a JSON object of split names to lists of scene names"
		if kind := filekind.Kind([]byte(text[:min(len(text), filekind.Head)])); kind != "" {
			err = fmt.Errorf("is %s, %s", kind, want)
		} else {
			err = fmt.Errorf("%w: %s", err, want)
		}
		return nil, nil, &TableError{File: file, Row: -1, Err: err}
	}
	return scenes, names, nil
}

// set returns names as a set, nil if they are nil.
func set(names []string) map[string]bool {
	if names == nil {
		return nil
	}
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}
