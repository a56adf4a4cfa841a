// Package pull reads JSON text one value at a time, straight into the caller's
// variables, without building a tree.
//
//	r := pull.NewReader(`{"token": "a", "size": [1.5, 2, NaN]}`)
//	for key := range r.Object() {
//		switch key {
//		case "token":
//			token = r.String()
//		case "size":
//			for range r.Array() {
//				size = append(size, r.Float())
//			}
//		default:
//			r.Skip()
//		}
//	}
//	err := r.End()
//
// The first error sticks: after it every loop ends and every read returns a
// zero value, so that callers check once, with [Reader.Err] or [Reader.End].
//
// It accepts what Python's json module writes, which is JSON with the numbers
// NaN, Infinity and -Infinity. [Reader.String] copies; [Reader.View] and keys are
// parts of the text, for comparing and looking up.
//
// A text may also be a part of a list or an object that is cut behind a
// comma, see [Reader.ArrayPart] and [Reader.ObjectPart].
package pull
