"""The connection to a service: what a vehicle publishes, and what the service answers.

    async with Client("nats://127.0.0.1:4222", rig="car") as client:
        await client.calibrate(rig)
        await client.pose(time_us, global_from_ego)
        await client.frame("CAM_FRONT", time_us, jpeg)
        result = await client.results.get()

Times are microseconds since 1970, of one clock for all cameras and the poses.
"""

import asyncio

import nats
import nats.errors
import nats.js.errors
from nats.js.api import KeyValueConfig

from .messages import Control, Detections, EgoPose, Frame, Reset, RigCalibration, Status
from .names import token

CONFIRM = "Solofusion-Confirm"  # names the subject for the service's answer


class Refused(Exception):
    """The service did not take a message; the text is its reason."""


class NoService(Exception):
    """No service answered for a rig."""


class Client:
    """A connection for one rig. Results and statuses wait in the queues of those names, of
    which the oldest are lost if there are more than 1000."""

    def __init__(self, url="nats://127.0.0.1:4222", rig="car", prefix="sf", **options):
        self.url, self.rig, self.prefix, self.options = url, rig, prefix, options
        self.subject = f"{prefix}.{token(rig)}."
        self.results: asyncio.Queue[Detections] = asyncio.Queue(1000)
        self.statuses: asyncio.Queue[Status] = asyncio.Queue(1000)
        self.errors: list[Exception] = []
        self.numbers: dict[str, int] = {}  # of each camera's last image

    async def __aenter__(self):
        self.nc = await nats.connect(
            self.url, error_cb=self._error, max_reconnect_attempts=-1, reconnect_time_wait=0.2, **self.options
        )
        await self.nc.subscribe(self.subject + "detections", cb=self._into(self.results, Detections))
        await self.nc.subscribe(self.subject + "status", cb=self._into(self.statuses, Status))
        await self.nc.flush()
        return self

    async def __aexit__(self, *_):
        await self.nc.close()

    async def _error(self, error):
        self.errors.append(error)

    def _into(self, queue, kind):
        async def take(message):
            value = kind()
            value.ParseFromString(message.data)
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(value)

        return take

    async def calibrate(self, rig: RigCalibration, keep=True):
        """Sends the calibration, and keeps it in the bucket for services that start later."""
        if keep:
            bucket = await self._bucket()
            await bucket.put(token(self.rig), rig.SerializeToString())
        await self.publish("calibration", rig)

    async def _bucket(self):
        """The key-value bucket of calibrations; the server needs JetStream for it."""
        name = self.prefix.replace(".", "_") + "_calibration"
        stream = self.nc.jetstream()
        try:
            return await stream.key_value(name)
        except nats.js.errors.BucketNotFoundError:
            return await stream.create_key_value(KeyValueConfig(bucket=name))

    async def pose(self, time_us, global_from_ego):
        """Sends where the vehicle is. An image needs a pose before and one after it."""
        await self.publish("pose", EgoPose(time_us=time_us, global_from_ego=global_from_ego))

    async def frame(self, camera, time_us, image: bytes, sequence=None, confirm=False, **fields):
        """Sends an image; without a sequence number the camera's images are counted."""
        if sequence is None:
            sequence = self.numbers[camera] = self.numbers.get(camera, 0) + 1
        message = Frame(camera=camera, captured_us=time_us, sequence=sequence, image=image, **fields)
        await self.publish("frame." + token(camera), message, confirm)

    async def reset(self, reason="the client asked"):
        """Ends the sequence: later images use no history of earlier ones."""
        await self.publish("control", Control(reset=Reset(reason=reason)))

    async def publish(self, kind, message, confirm=False):
        """Sends a message or its bytes; with confirm it waits until the service took it."""
        data = message if isinstance(message, bytes) else message.SerializeToString()
        if confirm:
            await self._confirmed(kind, data)
        else:
            await self.nc.publish(self.subject + kind, data)

    async def _confirmed(self, kind, data):
        inbox = self.nc.new_inbox()
        answers = await self.nc.subscribe(inbox, max_msgs=1)
        await self.nc.publish(self.subject + kind, data, headers={CONFIRM: inbox})
        try:
            answer = await answers.next_msg(timeout=10)
        except nats.errors.TimeoutError:
            raise NoService(f"no service answers for {self.subject}{kind}") from None
        if answer.data:
            raise Refused(answer.data.decode())

    async def flush(self):
        """Waits until the server has all that was sent."""
        await self.nc.flush()
