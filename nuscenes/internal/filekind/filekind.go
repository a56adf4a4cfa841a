// Package filekind recognises files that people give in place of JSON, by their
// first bytes.
//
//	filekind.Kind([]byte("PK\x03\x04...")) // "a zip archive; want it unpacked"
package filekind

import (
	"bytes"
	"strings"
)

// Head is how many of a file's first bytes Kind needs.
const Head = 512

// Kind returns what a file that begins with these bytes is, and what to do with it;
// "" if it may be JSON without a byte order mark. An empty head stands for an
// empty file.
func Kind(head []byte) string {
	if len(bytes.Trim(head, " \t\r\n")) == 0 {
		return "empty, want JSON"
	}
	for _, m := range magics {
		if bytes.HasPrefix(head[min(m.at, len(head)):], []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case len(bytes.Trim(head, "\x00")) == 0:
		return "nothing but bytes of zero, as an interrupted copy leaves them; want it copied again"
	case isPickle(head):
		return "a Python pickle; want JSON"
	case isWide(head):
		return "UTF-16 text without a byte order mark; want UTF-8"
	}
	return markup(head)
}

// magics are bytes at a place and what files that have them are. The longer
// of two that begin alike comes first.
var magics = []struct {
	at    int
	magic string
	kind  string
}{
	{0, "\xef\xbb\xbf", "text that begins with a UTF-8 byte order mark (EF BB BF), which JSON may not have; want it written without one (in Python encoding=\"utf-8\")"},
	{0, "\xff\xfe\x00\x00", "UTF-32 text by its byte order mark; want UTF-8 without one"},
	{0, "\x00\x00\xfe\xff", "UTF-32 text by its byte order mark; want UTF-8 without one"},
	{0, "\xff\xfe", "UTF-16 text by its byte order mark; want UTF-8 without one"},
	{0, "\xfe\xff", "UTF-16 text by its byte order mark; want UTF-8 without one"},
	{0, "PK\x03\x04", "a zip archive; want it unpacked"},
	{0, "PK\x05\x06", "an empty zip archive"},
	{0, "\x1f\x8b", "compressed with gzip; want it unpacked (gunzip)"},
	{0, "BZh", "compressed with bzip2; want it unpacked (bunzip2)"},
	{0, "\xfd7zXZ\x00", "compressed with xz; want it unpacked (unxz)"},
	{0, "\x28\xb5\x2f\xfd", "compressed with zstd; want it unpacked (unzstd)"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive; want it unpacked"},
	{0, "Rar!", "a rar archive; want it unpacked"},
	{257, "ustar", "a tar archive; want it unpacked"},
	{0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself; fetch that with git lfs pull"},
	{0, "\x93NUMPY", "a NumPy array; want JSON"},
	{0, "\x89HDF", "an HDF5 file; want JSON"},
	{0, "PAR1", "a Parquet file; want JSON"},
	{0, "SQLite format 3", "an SQLite database; want JSON"},
	{0, "\xff\xd8\xff", "a JPEG image; want JSON"},
	{0, "\x89PNG", "a PNG image; want JSON"},
	{0, "%PDF", "a PDF document; want JSON"},
	{0, "# .PCD", "a point cloud; want JSON"},
}

// isPickle reports whether a head is that of a pickle of protocol 2 to 5.
func isPickle(head []byte) bool {
	return len(head) > 1 && head[0] == 0x80 && 2 <= head[1] && head[1] <= 5
}

// isWide reports whether a head is ASCII in two bytes a character.
func isWide(head []byte) bool {
	return len(head) >= 4 && (head[0] == 0 && head[2] == 0 && head[1] != 0 || head[1] == 0 && head[3] == 0 && head[0] != 0)
}

// markup recognises text that is a page or a table.
func markup(head []byte) string {
	text := strings.ToLower(strings.TrimLeft(string(head[:min(Head, len(head))]), " \t\r\n"))
	switch {
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "an HTML page, as servers send in place of a file that is gone or needs a login; want the file itself"
	case strings.HasPrefix(text, "<?xml"), strings.HasPrefix(text, "<"):
		return "XML; want JSON"
	}
	return ""
}
