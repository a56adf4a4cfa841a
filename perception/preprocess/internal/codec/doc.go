// Package codec decodes camera images to pixels, and says what is wrong with them.
//
//	image, err := codec.Decode(encoded, perception.Layout{}, size, false, &buffer)
//	image.BGR    // size.Width x size.Height x 3 bytes: rows of B, G, R
//	image.Damage // "truncated after 62 % of its rows"; "" if it is whole
//
// JPEG is decoded by libjpeg-turbo with its own defaults, as OpenCV and Pillow do, to the
// same bytes: baseline and progressive, any subsampling, with or without restart markers
// and Huffman tables (Motion JPEG leaves out the standard ones), grey, RGB and CMYK. A
// thumbnail, an orientation and what follows the end marker are ignored. PNG is decoded
// by libpng: of samples of 16 bits the upper byte is taken, alpha is left out, colours
// are not corrected.
//
// A decoder that returns a picture has not said that the picture is sound. Whatever
// libjpeg warns of is damage: data that end early, codes that do not exist, restart
// markers that are missing, bytes that belong to no row. Up to 15 bytes of padding before
// the end marker are none. Neither is an unknown version of JFIF. Of PNG, wrong checksums
// are damage. The part of a damaged image that could not be decoded is grey. Damage that
// leaves valid codes in the right number cannot be seen: JPEG has no checksum.
//
// The size in a file's header is compared before memory is taken for it, and progressive
// images have at most 64 scans, so that a small file can take neither memory nor time.
//
// Some rows can be decoded alone; they are the same as if all had been. Of a JPEG's
// other rows the data are read, so that the same damage is found, and the pixels are not
// computed. A JPEG can be decoded at a half, a quarter or an eighth of its size, of the lower
// frequencies of its blocks.
//
// Raw pixels have the layout that [perception.Layout] declares. Y, U and V become R, G and
// B by ITU-R BT.601 with limited range (Y from 16 to 235), chroma of the nearest sample:
//
//	R = 1.164384 (Y-16) + 1.596027 (V-128)
//	G = 1.164384 (Y-16) - 0.391762 (U-128) - 0.812968 (V-128)
//	B = 1.164384 (Y-16) + 2.017232 (U-128)
package codec
