// Package model is the bundle: everything the detector learned, as a folder.
//
//	model.yaml           the manifest: geometry, classes, numbers, provenance
//	image_encoder.onnx   images and camera numbers to context, depth, features
//	bev_embed.onnx       a lifted bird's-eye plane to the frame's feature
//	head.onnx            the stack of frames to box maps
//	boxes.onnx           of a sparse head (key head.sparse): features to boxes' numbers, in given cells
//	weights.safetensors  what runs outside the graphs
//
// The graphs are those that any provider of ONNX Runtime runs. A bundle may have others
// for some providers besides, as the manifest's key graphs has them ([GraphSet]): x86
// wants uint8 with int8 weights, TensorRT symmetric int8, CUDA float16. [Bundle.For]
// returns what a provider runs.
//
//	graphs:
//	  tensorrt:
//	    files: {image_encoder.onnx: image_encoder.tensorrt.onnx, head.onnx: head.tensorrt.onnx}
//	    input: {type: float32}
//	    precision: [int8, float16]
//	  cuda:
//	    files: {head.onnx: head.cuda.onnx}
//	    input: {type: uint8, scales: [0.1, 0.2, …], zero_point: 0}
//
// A sparse head gives heat maps and features. Of the heat maps come the few cells that
// boxes are made of, and boxes.onnx makes their numbers there, the same on any provider.
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
//	err = b.Verify(b.Plain(), inspector) // the graphs' shapes too
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
