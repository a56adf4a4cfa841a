"""Servers that end, need credentials or keep streams: cases 21, 31, 32 and 36."""

import asyncio
import datetime
import pathlib
import shutil
import signal
import ssl
import subprocess
import time

import nats.errors
import nkeys
import pytest
import trustme
from conftest import OUT, SMALL
from nats.js.api import StreamConfig
from scene import all_at, live, used
from service import Recorder, free_port, until

SERVER = OUT / "nats-server"  # the NATS server's own program, which make test-client installs


class NATS:
    """A NATS server of its own process."""

    def __init__(self, folder: pathlib.Path, config: str = ""):
        self.port, self.folder = free_port(), folder
        self.file = folder / "nats.conf"
        self.file.write_text(f'host: "127.0.0.1"\nport: {self.port}\nmax_payload: 8MB\n'
                             f'jetstream {{ store_dir: "{folder}/store" }}\n{config}')  # fmt: skip

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        log = (self.folder / "nats.log").open("a")
        self.process = subprocess.Popen([SERVER, "-c", self.file], stdout=log, stderr=log)
        for _ in range(200):
            if "Server is ready" in (self.folder / "nats.log").read_text():
                return self
            time.sleep(0.05)
        raise RuntimeError((self.folder / "nats.log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()
        (self.folder / "nats.log").write_text("")


@pytest.fixture
def server(tmp_path):
    """Starts servers: server(config). They end with the test."""
    started = []

    def start(config=""):
        assert SERVER.exists(), f"{SERVER} is absent: make test-client installs it"
        folder = tmp_path / f"nats{len(started)}"
        folder.mkdir()
        started.append(NATS(folder, config).start())
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_a_stream_records_what_the_vehicle_sends(small, tiny):
    """21: the service is a bystander: each JetStream publish gets the stream's own answer."""

    async def run():
        async with Recorder(small) as client:
            await client.calibrate(tiny.rig)
            stream = client.nc.jetstream()
            await stream.add_stream(StreamConfig(name="REC", subjects=["sf.car.frame.>", "sf.car.pose"]))
            acknowledged = 0

            async def publish(kind, message, confirm=False):
                nonlocal acknowledged
                answer = await stream.publish(client.subject + kind, message.SerializeToString())
                acknowledged += answer.stream == "REC"

            client.publish = publish  # send_set sends with it
            for n, made in enumerate(tiny.sets[:3]):
                await client.send_set(made)
                await client.more(n)
            stored = (await stream.stream_info("REC")).state.messages
            return acknowledged, stored, len(client.got)

    acknowledged, stored, results = asyncio.run(run())
    assert acknowledged == stored == 39 and results == 3


def test_confirmation(small, tiny):
    """A message that asks for it is confirmed, or refused with the reason."""
    from solofusion_client.client import NoService, Refused

    async def run():
        async with Recorder(small) as client:
            await client.publish("calibration", tiny.rig, confirm=True)
            image = tiny.sets[0].images["CAM_FRONT"]
            await client.frame("CAM_FRONT", image.time_us, image.data, confirm=True)
            with pytest.raises(Refused, match="captured_us is missing"):
                await client.frame("CAM_FRONT", 0, image.data, confirm=True)
        async with Recorder(small, rig="truck") as client:
            with pytest.raises(NoService):
                await asyncio.wait_for(client.publish("calibration", tiny.rig, confirm=True), 15)

    asyncio.run(run())


def test_kill_and_restart(serve, tiny, tmp_path, monkeypatch):
    """31: after kill -9 and a restart results come again, without the vehicle doing anything."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    service = serve(bundle=SMALL)

    async def run():
        async with Recorder(service) as client:
            await client.calibrate(tiny.rig)

            async def kill():
                await asyncio.sleep(3)
                service.stop(signal.SIGKILL)
                service.start(wait=False)
                return time.time()

            killing = asyncio.create_task(kill())
            await live(client, tiny, 14, all_at(4))
            return await killing, client.got

    killed, got = asyncio.run(run())
    after = [result for result, at in got if at > killed]
    assert after, "nothing comes after the restart"
    assert after[0].history.depth == 0 and after[0].history.reset_reason and max(used(after)) == 6
    service.stop()
    service.killed = False
    left = [path for path in (tmp_path / "tmp").iterdir() if "nats" in path.name]
    assert not left, "temporary folders are left"


@pytest.mark.parametrize("wiped", [False, True], ids=["kept", "wiped"])
def test_the_server_restarts(server, serve, tiny, wiped):
    """32: the service reconnects by itself, knows its calibration, and is not ready meanwhile."""
    nats_server = server()
    service = serve(bundle=SMALL, NATS_URL=nats_server.url)

    async def run():
        async with Recorder(service) as client:
            await client.calibrate(tiny.rig)
            before = await live(client, tiny, 2, all_at(4))
            nats_server.stop()
            if wiped:
                shutil.rmtree(nats_server.folder / "store")
            assert await until(lambda: service.get("/readyz")[0] == 503, 10), "ready without a server"
            nats_server.start()
            assert await until(lambda: client.nc.is_connected and "again" in service.log(), 20)
            n = len(client.said)
            after = await live(client, tiny, 5, all_at(4))
            return before, after, client.said[n:]

    before, after, said = asyncio.run(run())
    assert len(before) >= 2 and len(after) >= 2, "nothing comes after the server's restart"
    assert used(after).count(6) >= len(after) - 2 and any(status.ready for status in said)


def result_with(service, tiny, **options):
    """The result of one set, with a client of those options."""

    async def run():
        async with Recorder(service, **options) as client:
            await client.calibrate(tiny.rig)
            return await client.answer(tiny.sets[0])

    return asyncio.run(run())


def refused(serve, **settings) -> str:
    """The log of a service that does not start."""
    with pytest.raises(RuntimeError) as error:
        serve(bundle=SMALL, **settings)
    return str(error.value)


def test_password(serve, tiny):
    """36: clients of the embedded server give the user and the password."""
    service = serve(bundle=SMALL, NATS_USER="a", NATS_PASSWORD="b")
    assert result_with(service, tiny, user="a", password="b")
    with pytest.raises(nats.errors.Error):
        result_with(service, tiny, allow_reconnect=False, connect_timeout=2)


def test_token(serve, tiny):
    """36: or the token."""
    assert result_with(serve(bundle=SMALL, NATS_TOKEN="t"), tiny, token="t")


def test_wrong_credentials_name_the_setting(server, serve):
    """36: each failure names the setting to look at."""
    url = server('authorization { user: "sf", password: "right" }').url
    assert "nats.password" in refused(serve, NATS_URL=url, NATS_USER="sf", NATS_PASSWORD="wrong")
    assert "nats.user" in refused(serve, NATS_URL=url)
    assert 'nats.creds: "/absent.creds": want a file that can be read' in refused(
        serve, NATS_URL=url, NATS_CREDS="/absent.creds"
    )
    assert "nats.url" in refused(serve, NATS_URL=f"nats://127.0.0.1:{free_port()}")


def test_least_rights(server, serve, tiny):
    """36: a user limited to the rig's subjects can run the service."""
    rights = (
        'publish: ["sf.car.detections", "sf.car.status", "_INBOX.>", "$JS.API.>"], '
        'subscribe: ["sf.car.>", "_INBOX.>", "$KV.sf_calibration.>"]'
    )
    users = (
        f'{{ user: "sf", password: "s", permissions: {{ {rights} }} }}, {{ user: "vehicle", password: "v" }}'
    )
    url = server(f"authorization {{ users: [ {users} ] }}").url
    service = serve(bundle=SMALL, NATS_URL=url, NATS_USER="sf", NATS_PASSWORD="s")
    assert result_with(service, tiny, user="vehicle", password="v")


def test_nkey(server, serve, tiny, tmp_path):
    """36: NKeys."""
    seed = nkeys.encode_seed(b"0123456789abcdef0123456789abcdef", nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    (tmp_path / "seed").write_bytes(seed)
    url = server(f'authorization {{ users: [ {{ nkey: "{public}" }} ] }}').url
    service = serve(bundle=SMALL, NATS_URL=url, NATS_NKEY=tmp_path / "seed")
    assert result_with(service, tiny, nkeys_seed=str(tmp_path / "seed"))


@pytest.mark.parametrize("mutual", [False, True], ids=["TLS", "client certificates"])
def test_tls(server, serve, tiny, tmp_path, mutual):
    """36: an authority of one's own, and client certificates."""
    authority = trustme.CA()
    until_2100 = datetime.datetime(2100, 1, 1)
    ours = authority.issue_cert("localhost", "127.0.0.1", not_after=until_2100)
    client = authority.issue_cert("service@example.com", not_after=until_2100)
    paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key", "client_cert", "client_key")}
    authority.cert_pem.write_to_path(paths["ca"])
    for name, issued in (("", ours), ("client_", client)):
        issued.cert_chain_pems[0].write_to_path(paths[name + "cert"])
        issued.private_key_pem.write_to_path(paths[name + "key"])
    verify = f', ca_file: "{paths["ca"]}", verify: true' if mutual else ""
    port = server(f'tls {{ cert_file: "{paths["cert"]}", key_file: "{paths["key"]}"{verify} }}').port
    settings = {"NATS_URL": f"tls://localhost:{port}", "NATS_TLS_CA": paths["ca"]}
    context = ssl.create_default_context(cafile=paths["ca"])
    if mutual:
        assert "nats.tls.cert" in refused(serve, **settings)
        settings |= {"NATS_TLS_CERT": paths["client_cert"], "NATS_TLS_KEY": paths["client_key"]}
        context.load_cert_chain(paths["client_cert"], paths["client_key"])
    else:
        assert "nats.tls.ca" in refused(serve, NATS_URL=settings["NATS_URL"])
    assert result_with(serve(bundle=SMALL, **settings), tiny, tls=context)
