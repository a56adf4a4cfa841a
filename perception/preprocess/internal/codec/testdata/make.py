"""Writes cmyk.txt: one picture as an RGB JPEG and as CMYK ones, in base64.

Pillow writes what is left of the paper, with Adobe's marker. Without the marker the
values are amounts of ink, which is what inverted values are.

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


def main() -> None:
    inks = picture().convert("CMYK")
    files = {
        "rgb": jpeg(picture()),
        "adobe": jpeg(inks),
        "inks": without_marker(jpeg(ImageChops.invert(inks))),
    }
    lines = [f"{name} {base64.b64encode(file).decode()}" for name, file in files.items()]
    heading = f"# Pillow {PIL.__version__}, make.py"
    (Path(__file__).parent / "cmyk.txt").write_text("\n".join([heading, *lines]) + "\n")


if __name__ == "__main__":
    main()
