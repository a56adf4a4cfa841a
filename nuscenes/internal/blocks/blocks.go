package blocks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sync/errgroup"
)

// Size is a good length of blocks in bytes: many elements long, and short
// enough to stay in a processor's cache from reading to parsing.
const Size = 1 << 20

// Block is a part of a text.
type Block struct {
	Text        string // valid until the function that got it returns
	First, Last bool   // whether it begins and ends the whole text
}

// Map reads a text to its end and parses its blocks of about the given size on all
// processors. It returns their results in the text's order, or the error of one that
// failed. A block is longer if the pattern does not occur in its size.
func Map[T any](text io.Reader, size int, pattern string, parse func(Block) (T, error)) ([]T, error) {
	c := cutter{text: text, size: size, pattern: pattern}
	workers, ctx := errgroup.WithContext(context.Background())
	workers.SetLimit(runtime.GOMAXPROCS(0))
	var results []*T
	for last := false; !last && ctx.Err() == nil; {
		buffer, err := c.next()
		if err != nil {
			return nil, errors.Join(err, workers.Wait())
		}
		result := new(T)
		block := Block{Text: unsafe.String(unsafe.SliceData(buffer), len(buffer)), First: len(results) == 0, Last: c.ended}
		results, last = append(results, result), block.Last
		workers.Go(func() (err error) {
			*result, err = parse(block)
			c.buffers.Put(&buffer)
			return err
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	values := make([]T, len(results))
	for i, r := range results {
		values[i] = *r
	}
	return values, nil
}

// cutter reads a text and cuts it.
type cutter struct {
	text    io.Reader
	size    int
	pattern string
	buffers sync.Pool // of *[]byte, out of use
	rest    []byte    // read, and behind the last cut
	ended   bool
}

// next returns the next block. Nothing else holds its memory.
func (c *cutter) next() ([]byte, error) {
	buffer := append(c.buffer(), c.rest...)
	for {
		old := len(buffer)
		length := max(c.size, old+old/2+1)
		buffer = slices.Grow(buffer, length-old)[:length]
		n, err := io.ReadFull(c.text, buffer[old:])
		buffer = buffer[:old+n]
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			c.ended = true
			return buffer, nil
		case err != nil:
			return nil, err
		}
		if end := lastEnd(buffer, c.pattern); end > 0 {
			c.rest = append(c.rest[:0], buffer[end:]...)
			return buffer[:end], nil
		}
	}
}

func (c *cutter) buffer() []byte {
	if used, ok := c.buffers.Get().(*[]byte); ok {
		return (*used)[:0]
	}
	return make([]byte, 0, c.size)
}

// lastEnd returns the position behind the last place of the pattern, 0 if
// there is none.
func lastEnd(text []byte, pattern string) int {
	for at := len(text); ; {
		at = bytes.LastIndexByte(text[:at], pattern[0])
		if at < 0 {
			return 0
		}
		if n := prefix(text[at:], pattern); n > 0 {
			return at + n
		}
	}
}

// prefix returns the length of the pattern, with space in it, at the text's
// beginning, 0 if it is not there.
func prefix(text []byte, pattern string) int {
	found := 0
	for i, c := range text {
		switch {
		case c == pattern[found]:
			if found++; found == len(pattern) {
				return i + 1
			}
		case c != ' ' && c != '\n' && c != '\t' && c != '\r':
			return 0
		}
	}
	return 0
}
