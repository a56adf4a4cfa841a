"""Writes pillow.txt: what Pillow makes of made-up images, as SHA-256.

Columns: source width and height, network width and height, resize_extra,
crop_h, SHA-256 of the network image's RGB bytes. A source pixel's bytes come
from x -> 1664525 x + 1013904223 mod 2^32, started at 1, the top byte of each.

All cases are such that Pillow resizes horizontally first, as it always did
before release 13; that one takes the cheaper order for tall images.

    python make.py > pillow.txt
"""

import hashlib

import numpy as np
import PIL
from PIL import Image

CASES = [
    (64, 48, 32, 16, 0.04, 0.0),  # reduction, as the detector's
    (160, 90, 70, 25, 0.04, 0.0),
    (193, 121, 35, 13, 0.02, 0.0),  # taps wider than the step, odd sizes
    (97, 61, 96, 32, 0.04, 0.1),  # about the same size, with rows cut below
    (40, 30, 40, 30, 0.0, 0.0),  # no change
    (20, 12, 64, 24, 0.1, 0.0),  # enlargement
    (90, 20, 30, 16, 0.02, 0.0),  # flat: black above
    (9, 7, 4, 3, 0.0, 0.0),  # narrower than the filter
    (50, 50, 21, 8, 0.0, 0.0),  # scale 0.42: 50 * 0.42 is 21.0
]


def source(width: int, height: int) -> Image.Image:
    x, out = 1, np.empty(width * height * 3, np.uint8)
    for i in range(out.size):
        x = (1664525 * x + 1013904223) % (1 << 32)
        out[i] = x >> 24
    return Image.fromarray(out.reshape(height, width, 3))


def main() -> None:
    print(f"# Pillow {PIL.__version__}, make.py")
    for w, h, nw, nh, extra, crop_h in CASES:
        scale = nw / w + extra
        size = int(w * scale), int(h * scale)
        left, top = int(max(0, size[0] - nw) / 2), int((1 - crop_h) * size[1]) - nh
        image = source(w, h).resize(size).crop((left, top, left + nw, top + nh))
        print(w, h, nw, nh, extra, crop_h, hashlib.sha256(image.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
