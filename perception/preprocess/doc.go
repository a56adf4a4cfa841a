// Package preprocess turns a camera's encoded image into the image encoder's
// input, and gives the camera and the matrix that the network is told of.
//
// A network knows the cameras of its training: one image size, a few focal lengths,
// a horizon in a certain row. Any other image is placed on a canvas of training's
// size, where an equivalent camera of training could have taken it (see
// [Config.Place]). The canvas is scaled and cropped in the same way for every
// camera, so that the matrix from canvas to network is the one of training, and the
// camera's numbers are those of the equivalent camera. An image of training's own
// cameras is the canvas.
//
// An image is decoded to RGB, placed and scaled in one pass as Pillow's bicubic
// resize does to the byte, cropped, and normalised into planes of float32 (model
// spec, section 1). Only what the crop keeps is computed, and of a JPEG only its rows are
// decoded to pixels; what the image does not cover is black. With the option [Fast], JPEGs
// are decoded at a part of their size where that is still larger than the network's image,
// and the pixels differ. The horizontal pass comes first whatever
// the shape, as in Pillow before 13, which the released weights were trained with.
//
//	cam, err := preprocess.NewCamera(config, preprocess.Picture{Size: size, Focal: f, CenterX: cx, Horizon: cy}, with)
//	…
//	report, err := cam.Image(dst, jpeg, perception.Layout{}, &scratch) // dst: 3 x Height x Width, R then G then B
//	k := cam.Placing.Intrinsics(own)     // canvas pixels from camera coordinates
//	a := cam.Crop.Matrix()               // network pixels from canvas pixels
//
// An image of another format than JPEG, PNG and declared pixels, or of another size than
// the camera's calibration, is an error, and so is a damaged one if [Options] say so.
// A report says what is wrong or odd with an image that was decoded: damage, black or
// without contrast, without colour. Pixels are taken as they are stored: an orientation
// in a file's header is ignored, and lenses' distortion stays.
package preprocess
