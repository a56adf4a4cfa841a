// Decoders of one image each, for package codec, whose comment has the contract.
#ifndef SOLOFUSION_CODEC_H
#define SOLOFUSION_CODEC_H

#include <stddef.h>
#include <stdint.h>

// What became of an image.
enum { CODEC_WHOLE, CODEC_DAMAGED, CODEC_UNREADABLE, CODEC_SIZE };

// What a library said first that means damage.
enum { CODEC_NOTHING, CODEC_ENDED, CODEC_DATA_END, CODEC_LEFT_OVER, CODEC_OTHER };

struct codec_report {
    int width, height;   // in: of the pixels that there is room for; out: of the file
    int reduction;       // in: 1, 2, 4 or 8: of a JPEG's width and height, rounded up
    int from, to;        // in: its rows that are wanted, after that
    int grey;            // it has no colour
    int deep;            // its samples have 16 bits
    int trouble;         // of the first kind of damage
    int row, rows, scan; // where that was: blocks' rows, or rows of a PNG; rows is 0 in the header
    long left;           // bytes, of CODEC_LEFT_OVER
    char words[256];     // the library's own on it, or on why the file is unreadable
};

// Both write width x height x 3 bytes, or less if they are reduced, B, G, R, to bgr and return what became of the
// image; of a JPEG's rows that are not wanted, bgr may have anything. strict stops at the first damage; what is in bgr is then undefined.
int codec_jpeg(const uint8_t *data, size_t size, int strict, uint8_t *bgr, struct codec_report *report);
int codec_png(const uint8_t *data, size_t size, int strict, uint8_t *bgr, struct codec_report *report);

#endif
