package blocks

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// texts returns the blocks' texts and ends.
func texts(text io.Reader, size int, pattern string) ([]Block, error) {
	return Map(text, size, pattern, func(b Block) (Block, error) {
		b.Text = strings.Clone(b.Text)
		return b, nil
	})
}

func TestBlocksEndBehindThePattern(t *testing.T) {
	tests := []struct {
		text, pattern string
		size          int
		want          []string
	}{
		{"", "},", 4, []string{""}},
		{"[{a},{b},{c}]", "},", 6, []string{"[{a},", "{b},", "{c}]"}},
		{"[{a} ,\n{b}\t,{c}]", "},", 8, []string{"[{a} ,", "\n{b}\t,", "{c}]"}},
		{"[{a},{b},{c}]", "},", 100, []string{"[{a},{b},{c}]"}},
		{"no pattern anywhere", "},", 3, []string{"no pattern anywhere"}},
		{"x}],y}] ,z}y],", "}],", 7, []string{"x}],", "y}] ,", "z}y],"}},
	}
	for _, test := range tests {
		got, err := texts(strings.NewReader(test.text), test.size, test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for i, b := range got {
			parts = append(parts, b.Text)
			if b.First != (i == 0) || b.Last != (i == len(got)-1) {
				t.Errorf("%q: block %d is first %v, last %v", test.text, i, b.First, b.Last)
			}
		}
		if !slices.Equal(parts, test.want) {
			t.Errorf("%q: %q, want %q", test.text, parts, test.want)
		}
	}
}

func TestBlocksAreTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-c{}\], \n]{0,40}){0,5}`).Draw(t, "text")
		size := rapid.IntRange(1, 50).Draw(t, "size")
		reader := rapid.SampledFrom([]func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		}).Draw(t, "reader")
		blocks, err := texts(reader(strings.NewReader(text)), size, "}],")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, block := range blocks {
			b.WriteString(block.Text)
		}
		if b.String() != text {
			t.Errorf("blocks are %q, want %q", b.String(), text)
		}
	})
}

func TestErrorsEndTheReading(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken, wrong := errors.New("broken"), errors.New("wrong")
	if _, err := texts(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("{},{},{}"))), 4, "},"); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error %v, want the reader's", err)
	}
	if _, err := texts(iotest.ErrReader(broken), 4, "},"); !errors.Is(err, broken) {
		t.Errorf("error %v, want the reader's", err)
	}
	_, err := Map(neverEnding{}, 64, "},", func(b Block) (int, error) { return 0, wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("error %v, want that of parsing", err)
	}
}

// neverEnding reads as empty objects without end.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	return copy(p, "{},"), nil
}
