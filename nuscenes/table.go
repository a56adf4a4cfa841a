package nuscenes

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/blocks"
	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
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
	if place := e.place(); place != "" {
		b.WriteString(place + ": ")
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "field %s: ", e.Field)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *TableError) Unwrap() error { return e.Err }

// place says which row is meant, "" if none.
func (e *TableError) place() string {
	switch {
	case e.Row >= 0 && e.Token != "":
		return fmt.Sprintf("row %d (token %q)", e.Row, e.Token)
	case e.Row >= 0:
		return fmt.Sprintf("row %d", e.Row)
	case e.Token != "":
		return fmt.Sprintf("token %q", e.Token)
	}
	return ""
}

// schema is what a table's rows have.
type schema[T any] struct {
	name   string // of the table
	token  func(*T) *string
	faults func(*T) **fault
	need   use                     // what needs the token
	fields fields[T]               // beside the token
	wanted func(token string) bool // whether a row is read; nil for all
	own    func(*T)                // copies the views of the text that a row holds; nil if it has none
}

// index is a table's rows, and where each token's row is.
type index[T any] struct {
	schema   schema[T]
	file     string
	rows     []T
	byToken  map[string]*T // the last row of those with the token
	complete bool          // whether rows are all that the file has
	repeated bool          // whether rows share tokens
}

// readTable reads a whole table.
func readTable[T any](t *tables, s schema[T]) (index[T], error) {
	x := index[T]{schema: s, file: t.file(s.name)}
	all, err := s.readFile(x.file)
	if err != nil {
		return x, t.without(s.name, err)
	}
	t.findings.merge(all.findings...)
	t.counts[s.name] = all.seen
	x.rows, x.complete = all.rows, all.seen == len(all.rows)
	x.byToken = make(map[string]*T, len(x.rows))
	named := 0
	for i := range x.rows {
		row := &x.rows[i]
		if token := *s.token(row); token != "" {
			x.byToken[token] = row
			named++
		}
	}
	if x.repeated = len(x.byToken) < named; x.repeated {
		x.noteRepeated(&t.findings)
	}
	return x, nil
}

// readFile reads a table's rows in parallel, and if that fails as a single text, to
// find what is wrong.
func (s schema[T]) readFile(file string) (rows[T], error) {
	f, err := os.Open(file)
	if err != nil {
		return rows[T]{}, &TableError{File: file, Row: -1, Err: withoutPath(err)}
	}
	defer f.Close()
	all, err := s.readBlocks(file, f, blocks.Size)
	if err != nil {
		return s.readWhole(file)
	}
	return all, nil
}

// readBlocks reads a table's rows in parallel. Its errors do not name the row that
// is wrong.
func (s schema[T]) readBlocks(file string, text io.Reader, size int) (all rows[T], err error) {
	parts, err := blocks.Map(text, size, "},", func(b blocks.Block) (rows[T], error) {
		part, _, err := s.parse(file, b)
		return part, err
	})
	if err != nil {
		return all, err
	}
	lists := make([][]T, len(parts))
	for i := range parts {
		lists[i] = parts[i].rows
		all.append(&parts[i])
	}
	all.rows = slices.Concat(lists...)
	return all, nil
}

// readWhole reads a table's rows as a single text; its error is what is wrong
// with it.
func (s schema[T]) readWhole(file string) (rows[T], error) {
	text, err := readText(file)
	if err != nil {
		return rows[T]{}, &TableError{File: file, Row: -1, Err: err}
	}
	if kind := filekind.Kind([]byte(text[:min(len(text), filekind.Head)])); kind != "" {
		return rows[T]{}, &TableError{File: file, Row: -1, Err: fmt.Errorf("is %s, want the table itself, a JSON list", kind)}
	}
	all, wrong, err := s.parse(file, blocks.Block{Text: text, First: true, Last: true})
	if err != nil {
		wrong.File, wrong.Err = file, err
		return rows[T]{}, &wrong
	}
	return all, nil
}

// rows are those of a part of a table.
type rows[T any] struct {
	rows     []T
	seen     int      // in the file, with those that are not wanted
	faults   []*fault // of the rows
	findings Findings
}

// append adds what the next part has beside its rows, whose numbers it shifts.
func (r *rows[T]) append(next *rows[T]) {
	for _, f := range next.faults {
		f.Row += r.seen
	}
	for _, f := range next.findings {
		if f.First.Row >= 0 {
			f.First.Row += r.seen
		}
	}
	r.faults = append(r.faults, next.faults...)
	r.findings.merge(next.findings...)
	r.seen += next.seen
}

// parse reads the rows of a block. With an error comes its place.
func (s schema[T]) parse(file string, b blocks.Block) (part rows[T], place TableError, err error) {
	if b.First && strings.HasPrefix(b.Text, filekind.BOM) {
		b.Text = b.Text[len(filekind.BOM):]
		part.findings.add(Unusable, TableError{File: file, Row: -1, Err: errors.New("begins with a byte-order mark")})
	}
	r, all := pull.NewReader(b.Text), append(fields[T]{s.tokenField()}, s.fields...)
	var (
		row  T
		zero T
		over []passed
	)
	for i := range r.ArrayPart(b.First, b.Last) {
		row, over = zero, over[:0]
		start := *r
		keep, where := all.tolerate(r, &row, &over)
		if r.Failed() {
			return part, TableError{Row: i, Token: tokenOf(start), Field: where}, r.Err()
		}
		part.seen++
		token := s.token(&row)
		if keep || len(over) > 0 {
			*token = strings.Clone(*token)
		}
		for _, o := range over {
			e := TableError{File: file, Row: i, Token: *token, Field: all[o.field].name, Err: errors.New(o.problem)}
			part.note(o.kind, e, s.faultsOf(&row, keep), all[o.field].need)
		}
		if keep {
			if s.own != nil {
				s.own(&row)
			}
			part.rows = append(part.rows, row)
		}
	}
	return part, TableError{Row: -1}, r.End()
}

// note takes note of a fault. It adds it to the faults of a row if that is wanted and
// something needs the field.
func (r *rows[T]) note(kind string, e TableError, faults **fault, need use) {
	r.findings.add(kind, e)
	if faults != nil && need != 0 && kind != Repeated {
		*faults = &fault{e, need, *faults}
		r.faults = append(r.faults, *faults)
	}
}

// faultsOf returns where a row holds its faults, nil if it is not wanted.
func (s schema[T]) faultsOf(row *T, wanted bool) **fault {
	if !wanted {
		return nil
	}
	return s.faults(row)
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
	read := func(r *pull.Reader, row *T) {
		token := r.Token()
		if *s.token(row) = token; token == "" {
			r.Fail("is empty, want a unique string")
		}
	}
	if s.wanted == nil {
		return field[T]{name: "token", read: read, need: s.need}
	}
	return field[T]{name: "token", wanted: func(r *pull.Reader, row *T) bool {
		read(r, row)
		return s.wanted(*s.token(row))
	}}
}

// noteRepeated takes note of the rows whose token a later one has.
func (x *index[T]) noteRepeated(f *Findings) {
	for i := range x.rows {
		row := &x.rows[i]
		token := *x.schema.token(row)
		if token != "" && x.byToken[token] != row {
			f.add(Repeated, x.error(i, "token", "a later row has the same token and counts in its place"))
		}
	}
}

// unique iterates over the rows: of those with the same token over the last one, in
// the place of the first, with how many there are.
func (x *index[T]) unique() iter.Seq2[*T, int] {
	return func(yield func(*T, int) bool) {
		counts := map[*T]int{}
		for i := range x.rows {
			if row := x.counting(i); x.repeated {
				counts[row]++
			}
		}
		for i := range x.rows {
			row, n := x.counting(i), 1
			if x.repeated {
				n, counts[row] = counts[row], 0
			}
			if n > 0 && !yield(row, n) {
				return
			}
		}
	}
}

// counting returns the row that counts for row i: the last one with its token.
func (x *index[T]) counting(i int) *T {
	row := &x.rows[i]
	if !x.repeated {
		return row
	}
	if last := x.byToken[*x.schema.token(row)]; last != nil {
		return last
	}
	return row
}

// error describes what is wrong with a field of a row.
func (x *index[T]) error(i int, field, format string, args ...any) TableError {
	e := TableError{File: x.file, Row: i, Token: *x.schema.token(&x.rows[i]), Field: field, Err: fmt.Errorf(format, args...)}
	if !x.complete {
		e.Row = -1
	}
	return e
}

// flaw takes note of a fault of a row that reading it alone did not show.
func (x *index[T]) flaw(f *Findings, i int, kind string, need use, e TableError) {
	f.add(kind, e)
	if need != 0 {
		faults := x.schema.faults(&x.rows[i])
		*faults = &fault{e, need, *faults}
	}
}

// ref reads a token and returns its row, nil if there is none.
func (x *index[T]) ref(r *pull.Reader) *T {
	token := r.Token()
	row := x.byToken[token]
	if row == nil {
		r.Fail("%q is no token of %s", token, filepath.Base(x.file))
	}
	return row
}

// optionalRef is ref, and nil for an empty token.
func (x *index[T]) optionalRef(r *pull.Reader) *T {
	mark := *r
	if r.Token() == "" && !r.Failed() {
		return nil
	}
	*r = mark
	return x.ref(r)
}

// link returns the row of a token that row i of the same table has in a
// field; nil for an empty token, and for one that leads nowhere, which is a fault.
func (x *index[T]) link(f *Findings, i int, field, linked string, need use) *T {
	if linked == "" {
		return nil
	}
	row := x.byToken[linked]
	if row == nil {
		x.flaw(f, i, Dangling, need, x.error(i, field, "%q is no token of this table, nor empty", linked))
	}
	return row
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
