package pull

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Float reads a number, which may be NaN or infinite. It is the double nearest
// to what is written, as strconv has it.
func (r *Reader) Float() float64 {
	if r.peek(); r.err != nil {
		return 0
	}
	if x, n := decimal(r.text[r.pos:]); n > 0 {
		r.pos += n
		return x
	}
	literal := r.literal("a number")
	switch literal {
	case "":
		return 0
	case "NaN", "Infinity", "-Infinity":
	default:
		if !isNumber(literal) {
			r.pos -= len(literal)
			r.Fail("found %s, want a number", literal)
			return 0
		}
	}
	// Out of range comes back as an infinity, as in Python.
	x, _ := strconv.ParseFloat(literal, 64)
	return x
}

// Floats reads an array of numbers into dst and returns how many there are,
// which may be more than dst holds.
func (r *Reader) Floats(dst []float64) int {
	if !r.open('[', ']', "an array") {
		return 0
	}
	for n := 1; ; n++ {
		x := r.Float()
		if n <= len(dst) {
			dst[n-1] = x
		}
		if !r.more(']', true) {
			return n
		}
	}
}

// Int reads a number without fraction or exponent.
func (r *Reader) Int() int64 {
	literal := r.literal("an integer")
	if literal == "" {
		return 0
	}
	n, err := strconv.ParseInt(literal, 10, 64)
	if err != nil || !isNumber(literal) {
		r.pos -= len(literal)
		r.Fail("found %s, want an integer of at most 64 bits", literal)
		return 0
	}
	return n
}

// Rounded reads any finite number below 2^63 as the nearest integer, and what is
// left. An integer without fraction or exponent is exact.
func (r *Reader) Rounded() (n int64, rest float64) {
	mark := r.Mark()
	literal := r.literal("a number")
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil && isNumber(literal) {
		return n, 0
	}
	if r.err != nil {
		return 0, 0
	}
	r.pos = mark
	x := r.Float()
	if r.err != nil {
		return 0, 0
	}
	if !(math.Abs(x) < 1<<63) {
		r.Fail("is %g, want a number below 2^63", x)
		return 0, 0
	}
	whole := math.RoundToEven(x)
	return int64(whole), x - whole
}

// maxDigits is how many decimal digits surely fit 64 bits.
const maxDigits = 19

// decimal returns the number that s begins with, and its length; 0 if it
// has an exponent, too many digits, or is none: these are left to strconv.
func decimal(s string) (x float64, length int) {
	whole := 0
	if s != "" && s[0] == '-' {
		whole = 1
	}
	m, i := uint64(0), whole // of few digits, as a rule
	for ; i < len(s) && i < whole+maxDigits && '0' <= s[i] && s[i] <= '9'; i++ {
		m = 10*m + uint64(s[i]-'0')
	}
	n := i - whole // of digits, without a leading zero
	if n == 0 || n > 1 && s[whole] == '0' {
		return 0, 0
	}
	fraction := 0
	if i < len(s) && s[i] == '.' {
		point := i
		m, i = digitsFrom(s, i+1, m)
		if fraction = i - point - 1; fraction == 0 {
			return 0, 0
		}
		if s[whole] == '0' {
			n = 0
		}
		n += fraction
	}
	if n > maxDigits || i < len(s) && isLiteral(s[i]) {
		return 0, 0
	}
	x = quotient(m, fraction)
	if whole > 0 {
		x = -x
	}
	return x, i
}

// digitsFrom appends the digits that begin at s[i] to the number m, modulo
// 2^64, and returns it with the position behind them.
func digitsFrom(s string, i int, m uint64) (uint64, int) {
	for i+8 <= len(s) {
		w := word(s[i:])
		n := leadingDigits(w)
		if n == 0 {
			return m, i
		}
		m = m*powersOfTen[n] + eightDigits(w<<(64-8*n))
		i += n
		if n < 8 {
			return m, i
		}
	}
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		m = 10*m + uint64(s[i]-'0')
	}
	return m, i
}

// word returns the first eight bytes of s, the first one lowest.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// leadingDigits returns how many of the lowest bytes are decimal digits.
func leadingDigits(w uint64) int {
	const threes, sixes, tops = 0x3030303030303030, 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	// The upper half of a digit is 3, and stays 3 when 6 is added. A carry
	// comes from bytes that are none, and goes to later ones only.
	other := (w&tops ^ threes) | ((w+sixes)&tops ^ threes)
	return bits.TrailingZeros64(other) / 8
}

// eightDigits returns the number that eight digits, first one lowest, are. Bytes
// of zero count as the digit 0.
func eightDigits(w uint64) uint64 {
	w &= 0x0f0f0f0f0f0f0f0f
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	return (w*10000 + w>>32) & 0xffffffff
}

var powersOfTen = [maxDigits + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// quotient returns the double nearest to m/10^k, the even one of two. k is at
// most maxDigits.
func quotient(m uint64, k int) float64 {
	if m == 0 {
		return 0
	}
	// Both are shifted until their top bits are set. The integer quotient of
	// m 2^63 then has 63 bits at least, of which 53 will stay.
	shiftM, shiftD := bits.LeadingZeros64(m), bits.LeadingZeros64(powersOfTen[k])
	m, d := m<<shiftM, powersOfTen[k]<<shiftD
	q, rest := bits.Div64(m>>1, m<<63, d)
	half := int64(q>>1 | q&1) // the lowest bit only says that there is more
	if rest != 0 {
		half |= 1
	}
	return float64(half) * math.Float64frombits(uint64(1023-62+shiftD-shiftM)<<52)
}

// isNumber reports whether s follows JSON's grammar for numbers, which is
// narrower than strconv's.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits returns how many decimal digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
