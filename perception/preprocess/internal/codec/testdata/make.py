"""Writes JPEG files that gocv and Go do not write, in base64.

cmyk.txt is one picture as an RGB JPEG and as CMYK ones. Pillow writes what is left of the
paper, with Adobe's marker. Without the marker the values are amounts of ink, which is
what inverted values are.

sampling.txt has a picture with each sampling of chroma, plain, progressive and with
restart markers, in two sizes: width, height, sampling, kind, file.

    python make.py
"""

import base64
import io
from pathlib import Path

import PIL
from PIL import Image, ImageChops


def picture() -> Image.Image:
    image = Image.new("RGB", (24, 16))
    image.putdata([(10 * x, 200 - 8 * x, 12 * y + 20) for y in range(16) for x in range(24)])
    return image


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=97, subsampling=0)
    return file.getvalue()


def without_marker(file: bytes) -> bytes:
    at = file.index(b"\xff\xee")
    return file[:at] + file[at + 2 + int.from_bytes(file[at + 2 : at + 4], "big") :]


def colours(width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height))
    pixels = [(x, y) for y in range(height) for x in range(width)]
    image.putdata([(9 * x % 256, (7 * y + 40 * (x // 5)) % 256, x * y % 256) for x, y in pixels])
    return image


def samplings() -> list[str]:
    kinds = {"plain": {}, "progressive": {"progressive": True}, "restarts": {"restart_marker_blocks": 3}}
    lines = []
    for width, height in (64, 64), (35, 71):
        for sampling in "4:4:4", "4:2:2", "4:2:0":
            for kind, options in kinds.items():
                file = io.BytesIO()
                colours(width, height).save(file, "JPEG", quality=70, subsampling=sampling, **options)
                text = base64.b64encode(file.getvalue()).decode()
                lines.append(f"{width} {height} {sampling} {kind} {text}")
    return lines


def write(name: str, lines: list[str]) -> None:
    heading = f"# Pillow {PIL.__version__}, make.py"
    (Path(__file__).parent / name).write_text("\n".join([heading, *lines]) + "\n")


def main() -> None:
    inks = picture().convert("CMYK")
    files = {
        "rgb": jpeg(picture()),
        "adobe": jpeg(inks),
        "inks": without_marker(jpeg(ImageChops.invert(inks))),
    }
    write("cmyk.txt", [f"{name} {base64.b64encode(file).decode()}" for name, file in files.items()])
    write("sampling.txt", samplings())


if __name__ == "__main__":
    main()
