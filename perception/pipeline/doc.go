// Package pipeline is the detector: one [Pipeline.Step] turns a FrameSet into a
// Result.
//
//	 images ─▶ preprocess ─▶ [image_encoder] ─▶ context, mono logits, features
//	                                                 │          │         │
//	                                                 │          ▼         ▼
//	                                                 │        stereo, against the
//	                                                 ▼        previous frame
//	                                               lift ◀────── depth
//	                                                 │
//	                                            [bev_embed] ─▶ history ─▶ [head]
//	                                                                        │
//	                                                detections ◀────────  decode
//
//	b, err := model.Open("default")
//	p, err := pipeline.New(b, pipeline.Options{})
//	defer p.Close()
//	for set := range sets {
//		result, err := p.Step(set)  // a *SetError leaves p as it was
//		…
//	}
//
// What is in brackets are the bundle's graphs, run by package onnx; the rest is
// Go. Between them channels are last: [camera][row][column][channel].
//
// A bundle without stereo takes the monocular depth, one without history gives
// the head the current plane alone.
//
// Cameras are known by name. One without a usable image is left out: it is not
// lifted, it is nobody's previous camera in the next frame, and what the others
// see is unchanged. A set without any image still moves the history on.
//
// The same sets, bundle and options give the same detections to the bit, with
// any number of threads.
package pipeline
