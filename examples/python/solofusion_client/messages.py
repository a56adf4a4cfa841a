"""The messages of the schema solofusion.v1, made by generate.py.

Generated code imports its siblings as solofusion.v1, so its folder must be on the path.
"""

import pathlib
import sys

_generated = pathlib.Path(__file__).resolve().parent.parent / "generated"
if not _generated.is_dir():
    raise ImportError(f"{_generated} is absent: run python {_generated.parent / 'generate.py'}")
sys.path.insert(0, str(_generated))

from solofusion.v1 import geometry_pb2, input_pb2, output_pb2  # noqa: E402

Transform, Quaternion, Vector3 = geometry_pb2.Transform, geometry_pb2.Quaternion, geometry_pb2.Vector3
Frame, EgoPose, Control, Reset = input_pb2.Frame, input_pb2.EgoPose, input_pb2.Control, input_pb2.Reset
RigCalibration, CameraCalibration = input_pb2.RigCalibration, input_pb2.CameraCalibration
Detections, Status, ServiceState = output_pb2.Detections, output_pb2.Status, output_pb2.ServiceState


def transform(rotation, translation) -> Transform:
    """A transform of a quaternion w, x, y, z and a translation in metres."""
    w, x, y, z = rotation
    a, b, c = translation
    return Transform(rotation=Quaternion(w=w, x=x, y=y, z=z), translation=Vector3(x=a, y=b, z=c))


def state(status: Status) -> str:
    """The state of a status as a word, for example RUNNING."""
    return ServiceState.Name(status.state).removeprefix("SERVICE_STATE_")
