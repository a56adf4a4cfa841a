"""Makes the Python messages in generated/ from the schema in proto/.

python generate.py
"""

import pathlib
import shutil
import sys

from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parent.parent / "proto"


def generate(schema: pathlib.Path = SCHEMA, out: pathlib.Path = HERE / "generated") -> None:
    """Writes the messages of all files of the schema to the folder out, from nothing."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    files = sorted(str(f.relative_to(schema)) for f in schema.glob("solofusion/v1/*.proto"))
    if code := protoc.main(["protoc", f"-I{schema}", f"--python_out={out}", *files]):
        sys.exit(f"generate: protoc ended with {code}")


if __name__ == "__main__":
    generate()
