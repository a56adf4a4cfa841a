// Package pipeline is the detector: one [Detector.Step] turns a FrameSet into a
// Result.
//
//	 images ─▶ preprocess ─▶ [image_encoder] ─▶ context, mono logits, features
//	                                                 │          │         │
//	                                                 │          ▼         ▼
//	                                                 │        stereo, against an
//	                                                 ▼        earlier frame
//	                                               lift ◀────── depth
//	                                                 │
//	                                            [bev_embed] ─▶ history ─▶ [head]
//	                                                                        │
//	                                                detections ◀────────  decode
//
//	b, err := model.Open("default")
//	d, err := pipeline.New(b, pipeline.Options{})
//	defer d.Close()
//	m := d.NewMemory() // of one rig
//	for set := range sets {
//		result, err := d.Step(m, set) // a *SetError leaves m as it was
//		…
//	}
//
// What is in brackets are the bundle's graphs, run by package onnx; the rest is
// Go. Between them channels are last: [camera][row][column][channel].
//
// Three lifetimes. A [Detector] is the process's: sessions, weights, goroutines,
// and the buffers of the sets under way. A [Memory] is a rig's:
// prepared cameras, earlier frames for stereo, the history. The views, features
// and planes that pass from line to line of a Step are the set's. Any number of
// rigs share a detector; each gets what it would get alone. A memory can be saved
// and loaded, and then continues with the same bytes.
//
// The model was trained with frames an interval apart, a stream may be faster. Each
// set gives a result; package timeline says which earlier sets it is seen together
// with, by stereo and in the history, and which are kept.
//
// Two halves. What needs only the images, up to the encoder, is [Detector.Look]; the rest,
// which needs the rig's memory, is [Glance.Finish]. While a set is finished the rig's next
// one may be looked at:
//
//	go func() {
//		for set := range sets {
//			looked <- d.Look(m, set)
//		}
//	}()
//	for g := range looked {
//		result, err := g.Finish()
//		…
//	}
//
// A sparse head makes boxes' numbers only where the heat maps are high: the stage head then is
// its graph, the choice of the cells, and the graph of the boxes.
//
// A bundle without stereo takes the monocular depth, one without history gives
// the head the current plane alone.
//
// Cameras are known by name. One without a usable image is left out: it is not
// lifted, it is no previous camera for the next frame, and the others' part
// is unchanged. Cells that only such cameras look at keep what the set before had there,
// as if it stood still, for as long as the history reaches back: an image or two that get
// lost are no hole in what is detected. A set without any image still moves the history
// on.
//
// An [Observer] is given what each stage made, the head's input included: timing,
// traces and calibration hang on it, so that there is one pipeline for all.
//
// The same sets, bundle, kernels and options give the same detections to the bit,
// with any number of threads.
package pipeline
