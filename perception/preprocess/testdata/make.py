"""Writes what Pillow makes of made-up images, as SHA-256.

pillow.txt, of resize and crop: source width and height, network width and height,
resize_extra, crop_h, SHA-256 of the network image's RGB bytes. A source pixel's
bytes come from x -> 1664525 x + 1013904223 mod 2^32, started at 1, the top byte of
each. After the chosen cases come random ones. All are such that Pillow resizes
horizontally first, as it always did before release 13; that one takes the cheaper
order for tall images.

jpeg.txt, of decoding: sampling, quality, SHA-256 of the decoded RGB bytes, the file in
base64.

    python make.py
"""

import base64
import hashlib
import io
import random
from pathlib import Path

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


def random_cases(n: int) -> list[tuple]:
    rng, cases = random.Random(1), []
    while len(cases) < n:
        w, nw = rng.randint(3, 120), rng.randint(1, 90)
        h, nh = rng.randint(2, w), rng.randint(1, 60)
        extra, crop_h = round(rng.uniform(0, 0.2), 3), rng.choice([0.0, 0.05, 0.2])
        scale = nw / w + extra
        if int(w * scale) >= 1 and int(h * scale) >= 1:
            cases.append((w, h, nw, nh, extra, crop_h))
    return cases


def resized() -> list[str]:
    lines = []
    for w, h, nw, nh, extra, crop_h in CASES + random_cases(60):
        scale = nw / w + extra
        size = int(w * scale), int(h * scale)
        left, top = int(max(0, size[0] - nw) / 2), int((1 - crop_h) * size[1]) - nh
        image = source(w, h).resize(size).crop((left, top, left + nw, top + nh))
        lines.append(f"{w} {h} {nw} {nh} {extra} {crop_h} {digest(image)}")
    return lines


def street(width: int, height: int, rng: random.Random) -> Image.Image:
    """Smooth areas and sharp edges: noise enlarged, with rectangles on it."""
    small = source(1 + width // 6, 1 + height // 6).resize((width, height))
    for _ in range(4):
        x, y = rng.randrange(width), rng.randrange(height)
        small.paste(tuple(rng.randrange(256) for _ in range(3)), (x, y, x + 9, y + 7))
    return small


def decoded() -> list[str]:
    rng, lines = random.Random(2), []
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        for quality in (60, 75, 90, 95):
            image, file = street(rng.randint(17, 50), rng.randint(9, 40), rng), io.BytesIO()
            image.save(file, "JPEG", quality=quality, subsampling=sampling)
            text = base64.b64encode(file.getvalue()).decode()
            lines.append(f"{sampling} {quality} {digest(Image.open(file))} {text}")
    return lines


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def main() -> None:
    folder, heading = Path(__file__).parent, f"# Pillow {PIL.__version__}, make.py"
    for name, lines in {"pillow.txt": resized(), "jpeg.txt": decoded()}.items():
        (folder / name).write_text("\n".join([heading, *lines]) + "\n")


if __name__ == "__main__":
    main()
