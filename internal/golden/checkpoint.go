package golden

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/tensor"
)

// Checkpoint opens a file that torch.save wrote and returns the float32
// tensors of its state_dict, or of the whole file if it is one itself.
// Other element types (batch counters) are left out.
func Checkpoint(t testing.TB, file string) map[string]*tensor.F32 {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatalf("golden: %v", err)
	}
	defer z.Close()
	tensors, err := readCheckpoint(&z.Reader)
	if err != nil {
		t.Fatalf("golden: %s: %v", file, err)
	}
	return tensors
}

func readCheckpoint(z *zip.Reader) (map[string]*tensor.F32, error) {
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return path.Base(f.Name) == "data.pkl" })
	if i < 0 {
		return nil, fmt.Errorf("no data.pkl: not a torch zip file")
	}
	folder := path.Dir(z.File[i].Name)
	b, err := readZip(z, z.File[i].Name)
	if err != nil {
		return nil, err
	}
	root, err := unpickle(b)
	if err != nil {
		return nil, err
	}
	dict, ok := root.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the pickle's root is a %T, not a dict", root)
	}
	if inner, ok := dict["state_dict"].(map[string]any); ok {
		dict = inner
	}
	out := map[string]*tensor.F32{}
	for name, v := range dict {
		ref, ok := v.(tensorRef)
		if !ok || ref.kind != "torch FloatStorage" {
			continue
		}
		if out[name], err = ref.load(z, folder); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func readZip(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// tensorRef is a tensor as the pickle has it: a view of a storage file.
type tensorRef struct {
	kind, key     string
	offset        int
	shape, stride []int
}

func (r tensorRef) load(z *zip.Reader, folder string) (*tensor.F32, error) {
	if !slices.Equal(r.stride, contiguous(r.shape)) {
		return nil, fmt.Errorf("strides %v of shape %v are not contiguous", r.stride, r.shape)
	}
	b, err := readZip(z, path.Join(folder, "data", r.key))
	if err != nil {
		return nil, err
	}
	out := tensor.New[float32](r.shape...)
	if len(b) < 4*(r.offset+len(out.Data)) {
		return nil, fmt.Errorf("storage %s has %d bytes, too few for shape %v at %d", r.key, len(b), r.shape, r.offset)
	}
	for i := range out.Data {
		out.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*(r.offset+i):]))
	}
	return out, nil
}

func contiguous(shape []int) []int {
	stride := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = n
		n *= shape[i]
	}
	return stride
}

// mark is the pickle machine's stack marker, global a named Python object.
type (
	mark   struct{}
	global string
)

// unpickle runs the part of Python's pickle machine that state dicts use.
// Nothing is constructed but dicts, tuples, strings, numbers and tensorRefs.
func unpickle(b []byte) (root any, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("broken pickle: %v", r)
		}
	}()
	p := &pickle{r: bytes.NewBuffer(b), memo: map[int]any{}}
	for {
		op, err := p.r.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("broken pickle: %w", err)
		}
		if op == '.' {
			return p.pop(), nil
		}
		p.step(op)
	}
}

type pickle struct {
	r     *bytes.Buffer
	stack []any
	memo  map[int]any
}

func (p *pickle) push(v any) { p.stack = append(p.stack, v) }

func (p *pickle) pop() any {
	v := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	return v
}

// popMark returns what lies above the topmost marker and removes both.
func (p *pickle) popMark() []any {
	i := len(p.stack) - 1
	for p.stack[i] != (any)(mark{}) {
		i--
	}
	items := slices.Clone(p.stack[i+1:])
	p.stack = p.stack[:i]
	return items
}

func (p *pickle) next(n int) []byte {
	b := p.r.Next(n)
	if len(b) < n {
		panic("unexpected end")
	}
	return b
}

func (p *pickle) u32() int { return int(binary.LittleEndian.Uint32(p.next(4))) }

func (p *pickle) line() string {
	s, err := p.r.ReadString('\n')
	if err != nil {
		panic(err)
	}
	return s[:len(s)-1]
}

func (p *pickle) step(op byte) {
	switch op {
	case 0x80: // protocol
		p.next(1)
	case '(':
		p.push(mark{})
	case ')':
		p.push([]any{})
	case '}':
		p.push(map[string]any{})
	case 't':
		p.push(p.popMark())
	case 0x85, 0x86, 0x87: // tuples of one, two, three
		n := len(p.stack) - int(op-0x84)
		t := slices.Clone(p.stack[n:])
		p.stack = append(p.stack[:n], t)
	case 0x88, 0x89:
		p.push(op == 0x88)
	case 'N':
		p.push(nil)
	case 'K':
		p.push(int(p.next(1)[0]))
	case 'M':
		p.push(int(binary.LittleEndian.Uint16(p.next(2))))
	case 'J':
		p.push(int(int32(p.u32())))
	case 'X':
		p.push(string(p.next(p.u32())))
	case 'c':
		p.push(global(p.line() + " " + p.line()))
	case 'q':
		p.memo[int(p.next(1)[0])] = p.stack[len(p.stack)-1]
	case 'r':
		p.memo[p.u32()] = p.stack[len(p.stack)-1]
	case 'h':
		p.push(p.memo[int(p.next(1)[0])])
	case 'j':
		p.push(p.memo[p.u32()])
	case 'Q': // a storage: ("storage", type, key, device, length)
		s := p.pop().([]any)
		p.push(tensorRef{kind: string(s[1].(global)), key: s[2].(string)})
	case 'R':
		args := p.pop().([]any)
		p.push(call(p.pop().(global), args))
	case 's':
		v := p.pop()
		p.set([]any{p.pop(), v})
	case 'u':
		p.set(p.popMark())
	case 'b': // object state: of no interest
		p.pop()
	default:
		panic(fmt.Sprintf("opcode %#x", op))
	}
}

// set stores key, value pairs in the dict on top of the stack; keys that are
// not strings are dropped.
func (p *pickle) set(pairs []any) {
	dict := p.stack[len(p.stack)-1].(map[string]any)
	for i := 0; i < len(pairs); i += 2 {
		if k, ok := pairs[i].(string); ok {
			dict[k] = pairs[i+1]
		}
	}
}

func call(f global, args []any) any {
	switch f {
	case "collections OrderedDict":
		return map[string]any{}
	case "torch._utils _rebuild_tensor_v2": // (storage, offset, shape, stride, …)
		ref := args[0].(tensorRef)
		ref.offset, ref.shape, ref.stride = args[1].(int), ints(args[2]), ints(args[3])
		return ref
	}
	panic("call of " + string(f))
}

func ints(v any) []int {
	var out []int
	for _, x := range v.([]any) {
		out = append(out, x.(int))
	}
	return out
}
