// Package preprocess turns a camera's encoded image into the image encoder's
// input, and gives the matrix that maps the one to the other.
//
// An image is decoded to RGB, scaled as Pillow's bicubic resize does to the
// byte, cropped, and normalised into planes of float32 (model spec, section 1).
// Only what the crop keeps is computed. The horizontal pass comes first whatever
// the shape, as in Pillow before 13, which the released weights were trained with.
//
//	cam, err := preprocess.NewCamera(config, geom.Size{Width: 1600, Height: 900}, with)
//	…
//	err = cam.Image(dst, jpeg, &scratch) // dst: 3 x Height x Width, R then G then B
//	a := cam.Crop.Matrix()               // network pixels from source pixels
//
// An image that is truncated, damaged, of another format than JPEG and PNG or
// of another size than the camera's calibration is an error; OpenCV's decoder
// alone would return a truncated JPEG as a picture with a grey rest.
package preprocess
