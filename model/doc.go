// Package model is the bundle: everything the detector learned, as a folder.
//
//	model.yaml           the manifest: geometry, classes, numbers, provenance
//	image_encoder.onnx   images and camera numbers to context, depth, features
//	bev_embed.onnx       a lifted bird's-eye plane to the frame's feature
//	head.onnx            the stack of frames to box maps
//	weights.safetensors  what runs outside the graphs
//
// A model may lack stereo (no stereo key, features or similarity weights) or
// history (no frames, no time weights; the head takes the feature itself), as
// some of the released ones do.
//
// [Open] reads a folder, checks every file against the manifest's SHA-256 and
// the manifest against itself; [Default] does so with the bundle inside the
// binary. Loading runs nothing of a bundle but its graphs.
//
//	b, err := model.Open("default")
//	if err != nil { … }                  // names the file and the key
//	err = b.Verify(inspector)            // the graphs' shapes too
//	fmt.Println(b.ID(), b.Manifest.Image.Width)
//
// [New] makes a bundle of a manifest and files, as one with another graph is, and
// [Bundle.Write] writes it.
//
//	files := b.Files()
//	files["head.onnx"] = faster
//	changed, err := model.New(b.Manifest, files) // with their hashes, checked as by Open
//	err = changed.Write("out/faster")            // whole, or not at all
package model
