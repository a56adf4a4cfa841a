package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/solofusion/solofusion/perception"
)

// Usage counts what became of a recording's images. The zero value has counted
// nothing.
type Usage struct {
	used     map[string]int            // by camera
	rejected map[string]map[string]int // by kind of reason, by camera
	reason   map[string]string         // the first one of each kind
	damaged  map[string]int            // of those used, by camera
	suspect  map[string]map[string]int // of those used, by the first word of what is odd, by camera
}

// Add counts the images of a result.
func (u *Usage) Add(r *perception.Result) {
	if u.used == nil {
		u.used, u.rejected, u.reason = map[string]int{}, map[string]map[string]int{}, map[string]string{}
		u.damaged, u.suspect = map[string]int{}, map[string]map[string]int{}
	}
	for camera := range r.Captured {
		u.used[camera]++
	}
	for _, camera := range slices.Sorted(maps.Keys(r.Rejected)) {
		kind := kindOf(r.Rejected[camera])
		if u.rejected[kind] == nil {
			u.rejected[kind], u.reason[kind] = map[string]int{}, r.Rejected[camera]
		}
		u.rejected[kind][camera]++
	}
	for camera := range r.Damaged {
		u.damaged[camera]++
	}
	for camera, words := range r.Suspect {
		if _, used := r.Captured[camera]; !used {
			continue
		}
		word, _, _ := strings.Cut(words, ":")
		if u.suspect[word] == nil {
			u.suspect[word] = map[string]int{}
		}
		u.suspect[word][camera]++
	}
}

// Describe returns one line: how many of the images that the source knows were used,
// how many were not, why, and of which cameras, and how many of those used are damaged or
// suspect. dropped is the reason why images that were sent did not become part of a
// result; "" if it is not known.
func (u *Usage) Describe(sent Stats, dropped string) string {
	line := fmt.Sprintf("%d of %d images used", total(u.used), total(sent.Images))
	for _, f := range u.fates(sent, dropped) {
		line += "; " + f.String()
	}
	if doubts := u.doubts(); len(doubts) > 0 {
		line += "; of those used " + strings.Join(doubts, ", ")
	}
	return line
}

// doubts returns what is to be said of images that were used: "2 damaged", "4 grey".
func (u *Usage) doubts() (all []string) {
	if len(u.damaged) > 0 {
		all = append(all, fate{"damaged", "", u.damaged}.text(""))
	}
	for _, word := range slices.Sorted(maps.Keys(u.suspect)) {
		all = append(all, fate{word, "", u.suspect[word]}.text(""))
	}
	return all
}

// Check returns an error with the most frequent reason if no image was used.
func (u *Usage) Check(sent Stats, dropped string) error {
	if total(u.used) > 0 {
		return nil
	}
	fates := u.fates(sent, dropped)
	if len(fates) == 0 {
		return fmt.Errorf("replay: the samples have no images")
	}
	most := slices.MaxFunc(fates, func(a, b fate) int { return cmp.Compare(total(a.cameras), total(b.cameras)) })
	return fmt.Errorf("replay: none of the %d images could be used: %s", total(sent.Images), most.text(""))
}

// fate is why images were not used, and how many of each camera.
type fate struct {
	word, reason string
	cameras      map[string]int
}

// String returns "12 absent (CAM_BACK 4, CAM_FRONT 8)", with the reason after it if
// there is one.
func (f fate) String() string {
	var counts []string
	for _, camera := range slices.Sorted(maps.Keys(f.cameras)) {
		counts = append(counts, fmt.Sprintf("%s %d", printable(camera), f.cameras[camera]))
	}
	return f.text(" (" + strings.Join(counts, ", ") + ")")
}

// text returns "12 absent", then the cameras, then the reason.
func (f fate) text(cameras string) string {
	text := fmt.Sprintf("%d %s%s", total(f.cameras), f.word, cameras)
	if f.reason != "" {
		text += ": " + printable(f.reason)
	}
	return text
}

// fates returns what became of the images that were not used: absent and unreadable
// ones, rejected ones with the most frequent reason first, and dropped ones.
func (u *Usage) fates(sent Stats, dropped string) []fate {
	var all []fate
	lost := maps.Clone(sent.Images)
	take := func(cameras map[string]int) {
		for camera, n := range cameras {
			lost[camera] -= n
		}
	}
	take(u.used)
	take(sent.Absent)
	if total(sent.Absent) > 0 {
		all = append(all, fate{"absent", "", sent.Absent})
	}
	take(sent.Unreadable)
	if total(sent.Unreadable) > 0 {
		all = append(all, fate{"unreadable", sent.WhyUnreadable, sent.Unreadable})
	}
	others := map[string]int{}
	for i, kind := range u.kinds() {
		take(u.rejected[kind])
		if i < maxReasons {
			all = append(all, fate{"rejected", u.reason[kind], u.rejected[kind]})
			continue
		}
		for camera, n := range u.rejected[kind] {
			others[camera] += n
		}
	}
	if len(others) > 0 {
		all = append(all, fate{"rejected for other reasons", "", others})
	}
	maps.DeleteFunc(lost, func(_ string, n int) bool { return n <= 0 })
	if len(lost) > 0 {
		all = append(all, fate{"dropped", dropped, lost})
	}
	return all
}

// maxReasons is the largest number of kinds of rejections that are told apart.
const maxReasons = 3

// kindOf returns a reason up to its first number: images that are truncated after
// different shares of their rows are of one kind.
func kindOf(reason string) string {
	if i := strings.IndexFunc(reason, unicode.IsDigit); i > 0 {
		return reason[:i]
	}
	return reason
}

// kinds returns the kinds of rejections, the most frequent first.
func (u *Usage) kinds() []string {
	return slices.SortedFunc(maps.Keys(u.rejected), func(a, b string) int {
		return cmp.Or(cmp.Compare(total(u.rejected[b]), total(u.rejected[a])), strings.Compare(a, b))
	})
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// printable returns text as it is, or quoted if it could not stand in one line.
func printable(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
