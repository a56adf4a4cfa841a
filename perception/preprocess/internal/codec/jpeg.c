#include "codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#ifndef LIBJPEG_TURBO_VERSION
#error "want libjpeg-turbo, whose pixels are those of the reference"
#endif

// A progressive image has about ten scans. Each costs a pass over all blocks, so that a
// small file with thousands of them would take minutes.
enum { most_scans = 64 };

// Bytes of padding before the end marker that are no damage.
enum { most_padding = 15 };

struct handler {
    struct jpeg_error_mgr base;
    jmp_buf leave;
    int strict;
    int ended; // the file did, before its end marker
    const uint8_t *data;
    struct codec_report *report;
};

static void leave(j_common_ptr common) {
    struct handler *h = (struct handler *)common->err;
    if (h->ended && h->report->trouble == CODEC_NOTHING) {
        h->report->trouble = CODEC_ENDED;
    }
    if (h->report->trouble == CODEC_NOTHING) {
        common->err->format_message(common, h->report->words);
    }
    longjmp(h->leave, 1);
}

static void silent(j_common_ptr common) { (void)common; }

// padding reports whether the bytes that were skipped before the end marker only fill up
// the file, as some cameras' hardware does.
static int padding(j_decompress_ptr d, const struct handler *h) {
    long left = d->err->msg_parm.i[0];
    const uint8_t *end = d->src->next_input_byte;
    if (h->ended || d->err->msg_parm.i[1] != JPEG_EOI || left > most_padding || left > end - h->data) {
        return 0;
    }
    for (long i = 1; i <= left; i++) {
        if (end[-i] != 0x00 && end[-i] != 0xff) {
            return 0;
        }
    }
    return 1;
}

static int trouble(j_decompress_ptr d, const struct handler *h) {
    switch (d->err->msg_code) {
    case JWRN_HIT_MARKER:
        return d->unread_marker != JPEG_EOI ? CODEC_OTHER : h->ended ? CODEC_ENDED : CODEC_DATA_END;
    case JWRN_EXTRANEOUS_DATA:
        return CODEC_LEFT_OVER;
    }
    return CODEC_OTHER;
}

// note takes the first warning down: everything that libjpeg warns of leaves pixels
// that are not those that were sent, except for an unknown version of JFIF. That the file
// ended is said when its last bytes are fetched: whether they are enough comes later.
static void note(j_common_ptr common, int level) {
    struct handler *h = (struct handler *)common->err;
    struct codec_report *r = h->report;
    j_decompress_ptr d = (j_decompress_ptr)common;
    int code = common->err->msg_code;
    if (level < 0 && code == JWRN_JPEG_EOF) {
        h->ended = 1;
        return;
    }
    if (level >= 0 || code == JWRN_JFIF_MAJOR || (code == JWRN_EXTRANEOUS_DATA && padding(d, h))) {
        return;
    }
    if (r->trouble == CODEC_NOTHING) {
        r->trouble = trouble(d, h);
        r->left = r->trouble == CODEC_LEFT_OVER ? common->err->msg_parm.i[0] : 0;
        r->row = (int)d->input_iMCU_row;
        r->rows = d->input_scan_number > 0 ? (int)d->total_iMCU_rows : 0;
        r->scan = d->input_scan_number;
        common->err->format_message(common, r->words);
    }
    if (h->strict) {
        longjmp(h->leave, 1);
    }
}

static void count_scans(j_common_ptr common) {
    struct handler *h = (struct handler *)common->err;
    if (((j_decompress_ptr)common)->input_scan_number > most_scans) {
        h->report->trouble = CODEC_NOTHING;
        snprintf(h->report->words, sizeof h->report->words, "more than %d scans", most_scans);
        longjmp(h->leave, 1);
    }
}

// from_cmyk makes B, G, R of amounts of ink. Those of Adobe's programs, and of all that
// follow them, are stored as what is left of the paper.
static void from_cmyk(uint8_t *bgr, const uint8_t *cmyk, int width, int inverted) {
    for (int x = 0; x < width; x++, bgr += 3, cmyk += 4) {
        for (int c = 0; c < 3; c++) {
            int ink = inverted ? cmyk[c] : 255 - cmyk[c];
            int black = inverted ? cmyk[3] : 255 - cmyk[3];
            bgr[2 - c] = (uint8_t)(black - ((255 - ink) * black >> 8));
        }
    }
}

// skip passes over rows. Their data are read as those of others are, so that damage in
// them is seen; nothing is computed of them. What older libraries are known to do wrong,
// and arithmetic coding, which is rare, is decoded whole.
static void skip(j_decompress_ptr d, int rows) {
    if (rows > 0 && LIBJPEG_TURBO_VERSION_NUMBER >= 2001000 && !d->arith_code) {
        jpeg_skip_scanlines(d, (JDIMENSION)rows);
    }
}

// decode writes the wanted rows, and maybe others. libjpeg does not look at what it skips
// at the end, so that the last row is always decoded.
static void decode(j_decompress_ptr d, uint8_t *bgr, int from, int to, volatile int *done) {
    int cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    JSAMPARRAY inks = NULL;
    d->out_color_space = cmyk ? JCS_CMYK : JCS_EXT_BGR;
    jpeg_start_decompress(d);
    size_t stride = 3 * (size_t)d->output_width;
    if (cmyk) {
        inks = d->mem->alloc_sarray((j_common_ptr)d, JPOOL_IMAGE, 4 * d->output_width, 1);
    }
    skip(d, from);
    while (d->output_scanline < d->output_height) {
        if ((int)d->output_scanline == to) {
            skip(d, (int)d->output_height - to - 1);
        }
        JSAMPROW row = bgr + stride * d->output_scanline;
        JSAMPROW at = cmyk ? inks[0] : row;
        if (jpeg_read_scanlines(d, &at, 1) == 1 && cmyk) {
            from_cmyk(row, inks[0], (int)d->output_width, d->saw_Adobe_marker);
        }
        *done = (int)d->output_scanline;
    }
    jpeg_finish_decompress(d);
}

int codec_jpeg(const uint8_t *data, size_t size, int strict, uint8_t *bgr, struct codec_report *report) {
    struct jpeg_decompress_struct d;
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    struct handler h = {.strict = strict, .data = data, .report = report};
    const int width = report->width, height = report->height, reduction = report->reduction;
    const int rows = (height + reduction - 1) / reduction;
    const size_t stride = 3 * (size_t)((width + reduction - 1) / reduction);
    volatile int done = 0, begun = 0;

    d.err = jpeg_std_error(&h.base);
    h.base.error_exit = leave;
    h.base.emit_message = note;
    h.base.output_message = silent;
    if (setjmp(h.leave)) {
        jpeg_destroy_decompress(&d);
        if (!begun || (report->trouble == CODEC_NOTHING && done == 0)) {
            return CODEC_UNREADABLE;
        }
        if (report->trouble == CODEC_NOTHING) {
            report->trouble = CODEC_OTHER;
        }
        if (report->rows == 0) {
            report->row = done;
            report->rows = rows;
        }
        memset(bgr + stride * done, 128, stride * (rows - done));
        return CODEC_DAMAGED;
    }
    jpeg_create_decompress(&d);
    d.progress = &progress;
    jpeg_mem_src(&d, data, size);
    jpeg_read_header(&d, TRUE);
    report->width = (int)d.image_width;
    report->height = (int)d.image_height;
    report->grey = d.jpeg_color_space == JCS_GRAYSCALE;
    if (report->width != width || report->height != height) {
        jpeg_destroy_decompress(&d);
        return CODEC_SIZE;
    }
    begun = 1;
    d.scale_num = (unsigned)(8 / reduction);
    d.scale_denom = 8;
    decode(&d, bgr, report->from, report->to, &done);
    jpeg_destroy_decompress(&d);
    if (h.ended && report->trouble == CODEC_NOTHING) {
        report->trouble = CODEC_ENDED;
        report->row = report->rows = 1;
    }
    return report->trouble == CODEC_NOTHING ? CODEC_WHOLE : CODEC_DAMAGED;
}
