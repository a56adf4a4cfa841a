#include "codec.h"

#include <stdio.h>
#include <string.h>

#include <png.h>

struct source {
    const uint8_t *at;
    size_t left;
    int strict;
    int row; // rows that are whole
    struct codec_report *report;
};

static void take(png_structp png, png_bytep to, size_t n) {
    struct source *s = png_get_io_ptr(png);
    if (n > s->left) {
        s->report->trouble = CODEC_ENDED;
        png_error(png, "it ends");
    }
    memcpy(to, s->at, n);
    s->at += n;
    s->left -= n;
}

static void leave(png_structp png, png_const_charp words) {
    struct source *s = png_get_error_ptr(png);
    snprintf(s->report->words, sizeof s->report->words, "%s", words);
    png_longjmp(png, 1);
}

// note takes down warnings of checksums that are wrong and of pixels' data. Others are of
// chunks that do not change the pixels.
static void note(png_structp png, png_const_charp words) {
    struct source *s = png_get_error_ptr(png);
    struct codec_report *r = s->report;
    if (strstr(words, "CRC error") == NULL && strncmp(words, "IDAT", 4) != 0) {
        return;
    }
    if (r->trouble == CODEC_NOTHING) {
        r->trouble = CODEC_OTHER;
        r->row = s->row;
        r->rows = r->height;
        snprintf(r->words, sizeof r->words, "%s", words);
    }
    if (s->strict) {
        png_longjmp(png, 1);
    }
}

// ask asks for B, G, R of 8 bits: of deeper samples their upper byte, without alpha,
// without any correction of colours.
static void ask(png_structp png, png_infop info) {
    int depth = png_get_bit_depth(png, info), colour = png_get_color_type(png, info);
    if (depth == 16) {
        png_set_strip_16(png);
    }
    png_set_strip_alpha(png);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    }
    if ((colour & PNG_COLOR_MASK_COLOR) == 0 && depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (colour & PNG_COLOR_MASK_COLOR) {
        png_set_bgr(png);
    } else {
        png_set_gray_to_rgb(png);
    }
}

static int decode(png_structp png, png_infop info, struct source *s, uint8_t *bgr) {
    struct codec_report *r = s->report;
    size_t stride = 3 * (size_t)r->width;
    ask(png, info);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != stride) {
        png_error(png, "its pixels are not of three bytes");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < r->height; y++) {
            png_read_row(png, bgr + stride * y, NULL);
            if (pass == passes - 1) {
                s->row = y + 1;
            }
        }
    }
    png_read_end(png, NULL);
    return r->trouble == CODEC_NOTHING ? CODEC_WHOLE : CODEC_DAMAGED;
}

int codec_png(const uint8_t *data, size_t size, int strict, uint8_t *bgr, struct codec_report *report) {
    struct source s = {.at = data, .left = size, .strict = strict, .report = report};
    const int width = report->width, height = report->height;
    volatile int begun = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, leave, note);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        snprintf(report->words, sizeof report->words, "no memory");
        return CODEC_UNREADABLE;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        if (!begun) {
            return CODEC_UNREADABLE;
        }
        if (report->trouble == CODEC_NOTHING) {
            report->trouble = CODEC_OTHER;
        }
        report->row = s.row;
        report->rows = height;
        memset(bgr + 3 * (size_t)width * s.row, 128, 3 * (size_t)width * (height - s.row));
        return CODEC_DAMAGED;
    }
    png_set_read_fn(png, &s, take);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); // the size is compared below, before memory is taken for it
    png_read_info(png, info);
    report->width = (int)png_get_image_width(png, info);
    report->height = (int)png_get_image_height(png, info);
    report->grey = (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) == 0;
    report->deep = png_get_bit_depth(png, info) == 16;
    if (report->width != width || report->height != height) {
        png_destroy_read_struct(&png, &info, NULL);
        return CODEC_SIZE;
    }
    begun = 1;
    int became = decode(png, info, &s, bgr);
    png_destroy_read_struct(&png, &info, NULL);
    return became;
}
