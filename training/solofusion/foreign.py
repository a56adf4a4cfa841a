"""Recognises files that are something else than their names say.

A download that failed leaves a web page, a clone without Git LFS a pointer, and one
suffix serves several formats.
"""

import zipfile
from pathlib import Path

STARTS = {
    b"version https://git-lfs": "a Git LFS pointer: git lfs pull fetches the file itself",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\xfd7zXZ": "an xz archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"Rar!": "a rar archive: unpack it first",
    b"\x89HDF": "an HDF5 file, as of Keras",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file, as of llama.cpp",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
    b"\x7fELF": "a program or library",
}
LEGACY = bytes.fromhex("6cfc9c46f9206aa85019")
"""The number that files of torch.save start with which are no zip archives."""
HEAD = 4096


def kind_of(path: Path) -> str:
    """What the file is if it is no checkpoint of PyTorch and no safetensors file, and
    what to do about it; "" for these two."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "empty: download it again"
    for start, kind in STARTS.items():
        if head.startswith(start):
            return kind
    if head.startswith(b"PK"):
        return kind_of_zip(path)
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if is_safetensors(head) or LEGACY in head[:32]:
        return ""
    if head.startswith(b"\x80"):
        return "a pickle, but not a PyTorch file: torch.save did not write it"
    if head[0] == 8 and head[1:2] < b"\x20" and head[2:3] in b"\x12\x1a\x22\x3a\x42":
        return "an ONNX graph: convert the checkpoint that it was exported from"
    return kind_of_text(head)


def is_safetensors(head: bytes) -> bool:
    """Whether a file that starts so has a header's length and then JSON."""
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32


def kind_of_text(head: bytes) -> str:
    try:
        text = head.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError as e:
        if e.start < len(head) - 4:  # not the last character, cut by the end of the head
            return "not a PyTorch file"
        text = head[: e.start].decode("utf-8-sig").lstrip()
    if "\0" in text:
        return "not a PyTorch file"
    start = text[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<!--")) or "<html" in start:
        return "a web page (HTML): download the file again, by its own link"
    if start.startswith("<?xml"):
        return "an XML text, as a server's error is: download the file again"
    if start.startswith("{"):
        return f"a JSON text: {text.splitlines()[0][:60]}"
    return f"not a PyTorch file but a text: {(text.splitlines() or [''])[0][:60]}"


def kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names, damaged = archive.namelist(), archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as e:
        return f"cut short or damaged ({e}): download it again"
    if damaged:
        return f"damaged: {damaged} fails its checksum: download it again"
    tops = {n.split("/", 1)[-1] for n in names}
    if "constants.pkl" in tops:
        return "a TorchScript program: want the checkpoint, as torch.save writes it"
    if "data.pkl" in tops:
        return ""
    if names and all(n.endswith(".npy") for n in names):
        return "a NumPy archive"
    inside = [n for n in names if n.endswith((".pth", ".pt", ".ckpt", ".bin"))]
    what = ", ".join((inside or names)[:3]) or "nothing"
    return f"a zip archive of {what}: unpack it first" if inside else f"a zip archive of {what}"


def kind_of_folder(path: Path) -> str:
    """What a folder is that is given as a checkpoint."""
    if (path / "data.pkl").exists():
        return "a folder, a checkpoint that was unpacked: download it again, and leave it packed"
    if (path / "model.yaml").exists():
        return "a folder, and a bundle already"
    files = sorted(p.name for p in path.iterdir() if p.suffix in (".pth", ".pt", ".ckpt"))
    return "a folder" + (f": name one of {', '.join(files[:5])} in it" if files else "")
