// Package filekind recognises files that stand where a JSON text should be.
//
//	if kind := filekind.Kind(head); kind != "" {
//		return fmt.Errorf("is %s, want a JSON text", kind)
//	}
package filekind

import (
	"bytes"
	"encoding/binary"
)

// Head is how many of a file's first bytes [Kind] needs.
const Head = 512

// magic are the kinds that their first bytes tell.
var magic = []struct{ start, kind string }{
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer"},
	{"version https://hawser.github.com/spec/", "a Git LFS pointer"},
	{"/annex/objects/", "a git-annex pointer"},
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "a zip archive"},
	{"\x1f\x8b", "a gzip archive"},
	{"BZh", "a bzip2 archive"},
	{"\xfd7zXZ\x00", "an xz archive"},
	{"\x28\xb5\x2f\xfd", "a zstd archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"\x93NUMPY", "a NumPy array"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
	{"PAR1", "a Parquet file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x89PNG\r\n\x1a\n", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"%PDF-", "a PDF document"},
	{"\xff\xfe", "a text in UTF-16"},
	{"\xfe\xff", "a text in UTF-16"},
}

// BOM is the byte-order mark that some programs write before a text in UTF-8.
const BOM = "\ufeff"

// Kind returns with its article what a file is whose first bytes are head, for
// example "a zip archive"; "" if it may be a JSON text. A JSON text behind a [BOM]
// may be one.
func Kind(head []byte) string {
	if len(head) == 0 {
		return "an empty file"
	}
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.start)) {
			return m.kind
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive"
	}
	if isPickle(head) {
		return "a pickle"
	}
	if isHTML(head) {
		return "an HTML page"
	}
	return ""
}

// isPickle recognises protocols 2 to 5: the protocol's opcode with its number,
// and from 4 on a frame behind it.
func isPickle(head []byte) bool {
	if len(head) < 3 || head[0] != 0x80 || head[1] < 2 || head[1] > 5 {
		return false
	}
	return head[1] < 4 || len(head) < 11 || head[2] == 0x95 && binary.LittleEndian.Uint64(head[3:]) < 1<<48
}

func isHTML(head []byte) bool {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(BOM))))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
}
