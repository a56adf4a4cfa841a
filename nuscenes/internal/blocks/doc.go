// Package blocks parses long texts in parallel, block by block, without
// holding a whole one in memory.
//
//	parts, err := blocks.Map(file, blocks.Size, "},", func(b blocks.Block) (rows []Row, err error) {
//		r := pull.NewReader(b.Text)
//		for range r.ArrayPart(b.First, b.Last) {
//			...
//		}
//		return rows, r.End()
//	})
//
// A text is cut where it looks like the end of an element of its outer list:
// behind the characters of a pattern, with nothing but space between them. That
// is a guess, since the same characters may stand in a string or in an inner
// list. Parsing decides: a block that does not begin and end with whole elements
// does not parse. If all blocks parse, the text as a whole would have, with
// the same elements; if one fails, the caller parses the whole text, so that
// errors and their places are those of the text.
package blocks
