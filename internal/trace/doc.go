// Package trace writes every stage's arrays of every frame, for comparison with
// another implementation.
//
//	DIR/SCENE/INDEX/NAME.npy   float32, C order, cameras in the bundle's order
//	DIR/SCENE/INDEX/boxes.json the detections
//
// SCENE is the scene's name, made one element of a path; scenes of one name have
// their token after it. INDEX is the frame's place in its scene. Arrays have the channels before the
// rows, and no axis for the set:
//
//	images           N 3 H W     the encoder's input
//	context          N C h w     what the encoder makes of it
//	mono_logits      N D h w
//	stereo_features  N S sh sw
//	stereo_samples   N K h w     the bins that stereo tested
//	stereo_logits    N D h w     what it adds to the monocular logits
//	depth            N D h w     distributions
//	bev_raw          C Y X       the lifted plane
//	bev              C Y X       the embedded one
//	history          T C Y X     aligned to this frame, before the time convolution
//	fused            F Y X       the head's first activation
//	head_TASK_BRANCH c Y X       the head's maps
//
// A trace is made of a detector that keeps features, with a [Writer] as its
// observer:
//
//	w := trace.NewWriter()
//	d, err := pipeline.New(bundle, pipeline.Options{Observer: w, KeepFeatures: true})
//	summary, err := w.Scenes(ctx, d, dataset, scenes, trace.Options{Out: "trace"})
package trace
