package nuscenes

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes/internal/blocks"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// TableError describes what is wrong with a table.
type TableError struct {
	File  string // for example data/v1.0-mini/sample.json
	Row   int    // from 0; -1 if the file as a whole is meant
	Token string // of the row, "" if it is not known
	Field string // "" if the row as a whole is meant
	Err   error  // what is wrong, and what would be right
}

func (e *TableError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nuscenes: %s: ", e.File)
	if e.Row >= 0 {
		fmt.Fprintf(&b, "row %d", e.Row)
		if e.Token != "" {
			fmt.Fprintf(&b, " (token %q)", e.Token)
		}
		b.WriteString(": ")
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "field %s: ", e.Field)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *TableError) Unwrap() error { return e.Err }

// schema is what a table's rows must have.
type schema[T any] struct {
	name   string // of the table
	token  func(*T) *string
	fields fields[T]               // beside the token
	wanted func(token string) bool // whether a row is read; nil for all
	own    func(*T)                // copies the views of the text that a row holds; nil if it has none
}

// index is a table's rows, and where each token's row is.
type index[T any] struct {
	file    string
	rows    []T
	byToken map[string]*T
}

// readTable reads and checks a whole table.
func readTable[T any](folder string, s schema[T]) (index[T], error) {
	x := index[T]{file: filepath.Join(folder, s.name+".json")}
	f, err := os.Open(x.file)
	if err == nil {
		x.rows, err = s.readBlocks(f, blocks.Size)
		f.Close()
	}
	if err != nil { // read it again to find what is wrong
		x.rows, err = s.readWhole(x.file)
	}
	if err != nil {
		return x, err
	}
	x.byToken = make(map[string]*T, len(x.rows))
	for i := range x.rows {
		row := &x.rows[i]
		x.byToken[*s.token(row)] = row
	}
	if len(x.byToken) < len(x.rows) {
		return x, s.twice(&x)
	}
	return x, nil
}

// readBlocks reads a table's rows in parallel. Its errors do not name the row that
// is wrong.
func (s schema[T]) readBlocks(text io.Reader, size int) ([]T, error) {
	parts, err := blocks.Map(text, size, "},", func(b blocks.Block) ([]T, error) {
		rows, _, err := s.parse(b)
		return rows, err
	})
	return slices.Concat(parts...), err
}

// readWhole reads a table's rows as a single text; its error is what is wrong
// with it.
func (s schema[T]) readWhole(file string) ([]T, error) {
	text, err := readText(file)
	if err != nil {
		return nil, &TableError{File: file, Row: -1, Err: err}
	}
	rows, wrong, err := s.parse(blocks.Block{Text: text, First: true, Last: true})
	if err != nil {
		wrong.File, wrong.Err = file, err
		return nil, &wrong
	}
	return rows, nil
}

// parse reads the rows of a block. With an error comes its place.
func (s schema[T]) parse(b blocks.Block) (rows []T, place TableError, err error) {
	r, all := pull.NewReader(b.Text), append(fields[T]{s.tokenField()}, s.fields...)
	for i := range r.ArrayPart(b.First, b.Last) {
		var row T
		start := *r
		keep, where := all.read(r, &row)
		if keep && *s.token(&row) == "" {
			r.Fail("is missing or empty, want a unique string")
			where = "token"
		}
		if r.Err() != nil {
			return nil, TableError{Row: i, Token: tokenOf(start), Field: where}, r.Err()
		}
		if keep {
			token := s.token(&row)
			*token = strings.Clone(*token)
			if s.own != nil {
				s.own(&row)
			}
			rows = append(rows, row)
		}
	}
	return rows, TableError{Row: -1}, r.End()
}

// twice returns the error of the first row whose token an earlier one has.
func (s schema[T]) twice(x *index[T]) error {
	seen := make(map[string]bool, len(x.rows))
	for i := range x.rows {
		token := *s.token(&x.rows[i])
		if seen[token] {
			return x.fail(i, token, "token", "another row has this token, want unique ones")
		}
		seen[token] = true
	}
	return nil
}

// tokenOf returns the token of the row at r, "" if it cannot be read.
func tokenOf(r pull.Reader) string {
	for key := range r.Object() {
		if key == "token" {
			return r.View()
		}
		r.Skip()
	}
	return ""
}

// tokenField is the field token, which is the schema's own.
func (s schema[T]) tokenField() field[T] {
	return field[T]{name: "token", optional: true, wanted: func(r *pull.Reader, row *T) bool {
		token := r.View()
		*s.token(row) = token
		return s.wanted == nil || s.wanted(token)
	}}
}

// fail returns an error about a field of a row.
func (x *index[T]) fail(row int, token, field, format string, args ...any) error {
	return &TableError{File: x.file, Row: row, Token: token, Field: field, Err: fmt.Errorf(format, args...)}
}

// ref reads a token and returns its row.
func (x *index[T]) ref(r *pull.Reader) *T {
	token := r.View()
	row := x.byToken[token]
	if row == nil {
		r.Fail("%q is no token of %s", token, filepath.Base(x.file))
	}
	return row
}

// optionalRef is ref, and nil for an empty token.
func (x *index[T]) optionalRef(r *pull.Reader) *T {
	if token := r.View(); token != "" {
		row := x.byToken[token]
		if row == nil {
			r.Fail("%q is no token of %s, nor empty", token, filepath.Base(x.file))
		}
		return row
	}
	return nil
}

// link returns the row of a token that row i of the same table has in a
// field; nil for an empty token.
func (x *index[T]) link(i int, field, token, linked string) (*T, error) {
	if linked == "" {
		return nil, nil
	}
	row := x.byToken[linked]
	if row == nil {
		return nil, x.fail(i, token, field, "%q is no token of this table, nor empty", linked)
	}
	return row, nil
}

// readText reads a file into a string.
func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	var b strings.Builder
	if info, err := f.Stat(); err == nil {
		b.Grow(int(info.Size()))
	}
	if _, err := f.WriteTo(&b); err != nil {
		return "", withoutPath(err)
	}
	return b.String(), nil
}

// withoutPath strips a file's path, which our errors name themselves.
func withoutPath(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// numbers reads exactly len(dst) finite numbers.
func numbers(r *pull.Reader, dst []float64) {
	n := r.Floats(dst)
	for i, x := range dst[:min(n, len(dst))] {
		if x-x != 0 {
			r.Fail("number %d is %g, want a finite one", i, x)
		}
	}
	if n != len(dst) {
		r.Fail("has %d numbers, want %d", n, len(dst))
	}
}

func vector(r *pull.Reader) (v geom.Vec3) {
	numbers(r, v[:])
	return v
}

// quaternion reads w, x, y, z.
func quaternion(r *pull.Reader) geom.Quat {
	var q [4]float64
	numbers(r, q[:])
	return geom.Quat{W: q[0], X: q[1], Y: q[2], Z: q[3]}
}

// rotation reads a quaternion that is not zero.
func rotation(r *pull.Reader) geom.Quat {
	q := quaternion(r)
	if q.Norm() == 0 {
		r.Fail("is zero, want a quaternion w, x, y, z of length one")
	}
	return q
}

// positive reads a vector without a component below or at zero.
func positive(r *pull.Reader) geom.Vec3 {
	v := vector(r)
	if min(v[0], v[1], v[2]) <= 0 {
		r.Fail("is %v, want positive numbers", v)
	}
	return v
}

// count reads an integer that is not negative.
func count(r *pull.Reader) int {
	n := r.Int()
	if n < 0 {
		r.Fail("is %d, want no negative number", n)
	}
	return int(n)
}

// timestamp reads a time after 1970.
func timestamp(r *pull.Reader) Timestamp {
	t := r.Int()
	if t <= 0 {
		r.Fail("is %d, want microseconds since 1970", t)
	}
	return Timestamp(t)
}
