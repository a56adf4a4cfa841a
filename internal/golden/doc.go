// Package golden gives tests what they compare with: the reference's arrays
// and weights, comparison under a declared bound, and guard words.
//
//	z := golden.Open(t, golden.Shared(t, "reference/tiny/rig/frame_001.npz"))
//	want := golden.Array[float32](z, "depth_prob") // N D h w
//	golden.Within(t, "depth", got, want.Data, golden.Bound{Rel: 4e-4})
//
// Only tests import it. Arrays are read from the folder that the environment
// variable SOLOFUSION_DATA names, by default the checkout's ../shared.
package golden
