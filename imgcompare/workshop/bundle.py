"""Make a bundle of base images and wheels on a machine that reaches them, and load it on one that reaches nothing."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Thread

from imgcompare import __version__
from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress
from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.engine.interface import RUN_LABEL, STAND_IN_LABEL, Container, ContainerSpec, Endpoint, EngineImage
from imgcompare.engine.own import daemon
from imgcompare.engine.own.import_image import build, has_image, load
from imgcompare.errors import BaseImageError, ImgcompareError, NoEngineError, UsageError
from imgcompare.model import Stage
from imgcompare.reports.files import check_writable
from imgcompare.run.blueprints import draw_blueprints
from imgcompare.run.build import provide_bases
from imgcompare.run.opening import Connection, opened, rfc3339, working_engine
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.resources import Workbench
from imgcompare.setup.prepare import prefer_own
from imgcompare.text.printable import printable
from imgcompare.text.secrets import URL_PASSWORD, is_secret, names_secret
from imgcompare.workshop import bundle_file
from imgcompare.workshop.bundle_file import Contents, PackedImage
from imgcompare.workshop.needs import BUILD_TOOLS, Needs

_WHEELS = "/tmp/imgcompare-wheels"  # noqa: S108 - in a container of our own
_WHEELS_LIMIT = 256 << 20
_DOWNLOAD_S = 900.0
# Where a base image may carry what only its maker should have: package sources and pip's settings with a password.
_SECRET_PLACES = ("/etc/apt", "/etc/pip.conf", "/root/.config/pip", "/root/.pip", "/root/.netrc", "/root/.docker")
PASSWORD_LINE = r"://[^/ :@]+:[^/ @]+@|^[[:space:]]*(machine|password)[[:space:]]"  # noqa: S105
_QUEUE = 4


def save(path: Path, needs: Needs, connection: Connection, progress: Progress) -> Contents:
    """Write a bundle with what is needed, as far as it can be had. Raises UsageError for what must not be taken along.

    A base image that the engine neither has nor can pull is left out, and named.
    """
    check_writable(path)
    specs = tuple(VariantSpec(name=f"base-{number}", image=base) for number, base in enumerate(needs.bases))
    now = datetime.now(UTC)
    plan = make_plan(Config(scenario="bundle", context=Path(), variants=specs), f"bundle-{now:%Y%m%dt%H%M%S%f}")
    with working_engine(connection, progress) as engine, opened(plan, engine, progress, began=now) as bench:
        images = _provided(plan, bench)
        if not images:
            raise BaseImageError(
                "none of the base images can be had: " + ", ".join(needs.bases),
                hint="Run it where a registry answers, or make stand-ins first: imgcompare setup",
            )
        for reference, image in images.items():
            refuse_secrets(reference, image)
        wheels = _wheels(plan, needs, images, bench)
        with bundle_file.writing(path) as writer:
            progress.stage("images", Stage.EXPORT, ", ".join(images))
            writer.add_images(engine.export(tuple(images)))
            for name, data in sorted({name: data for found in wheels.values() for name, data in found.items()}.items()):
                writer.add(f"wheels/{name}", data)
            contents = Contents(
                format=bundle_file.FORMAT,
                tool_version=__version__,
                created=rfc3339(now),
                images=tuple(_packed(reference, image, wheels) for reference, image in images.items()),
                members=tuple(writer.members),
                left_out=tuple(base for base in needs.bases if base not in images),
            )
            bundle_file.finish(writer, contents)
        progress.finished("images", f"{len(images)} images, {len(contents.wheels)} packages", ok=True)
    return contents


def _packed(reference: str, image: EngineImage, wheels: Mapping[str, object]) -> PackedImage:
    return PackedImage(
        reference=reference,
        os=image.os,
        architecture=image.architecture,
        stand_in=image.labels.get(STAND_IN_LABEL),
        has_wheels=bool(wheels) and any(name.startswith("PYTHON") for name in image.env),
    )


def _provided(plan: Plan, bench: Workbench) -> dict[str, EngineImage]:
    with ThreadPoolExecutor(plan.jobs, "imgcompare", leave_signals_to_the_main_thread) as pool:
        bases = provide_bases(plan, draw_blueprints(plan), bench, pool)
    found = ((name, bench.engine.image(name)) for name, base in bases.items() if base.failure is None)
    return {name: image for name, image in found if image is not None}


def refuse_secrets(reference: str, image: EngineImage) -> None:
    """Raise UsageError for an image with a variable that looks like a secret, or holds a URL with a password."""
    for name, _, value in (entry.partition("=") for entry in image.env):
        if (names_secret(name) and is_secret(name, value)) or URL_PASSWORD.search(value):
            raise UsageError(
                f"{reference} holds what looks like a secret in its variable {printable(name, limit=80)}: "
                "it is not taken along",
                hint="Use an image without it.",
            )


def _wheels(
    plan: Plan, needs: Needs, images: Mapping[str, EngineImage], bench: Workbench
) -> dict[str, dict[str, bytes]]:
    """The packages for each base image that is there, got by its own pip: for its Python and its C library."""
    found = {}
    for variant in plan.variants:
        base = variant.spec.image or ""
        if base not in images or base not in needs.packages:
            continue
        spec = ContainerSpec(
            name=variant.container_name,
            image=images[base].image,
            container_port=1,
            entrypoint=("sleep", str(int(_DOWNLOAD_S) * 2)),
            labels={RUN_LABEL: plan.run_id},
        )
        with bench.container(spec) as container:
            container.start()
            _refuse_secret_files(base, container)
            for number, packages in enumerate((*needs.packages[base], BUILD_TOOLS), 1):
                bench.progress.stage(base, Stage.PULL, f"packages, {number} of {len(needs.packages[base]) + 1}")
                _download(base, container, packages)
            found[base] = _taken(base, container)
        bench.progress.finished(base, f"{len(found[base])} packages", ok=True)
    return found


def _refuse_secret_files(base: str, container: Container) -> None:
    done = container.execute(("grep", "-rlsE", PASSWORD_LINE, *_SECRET_PLACES), 60)
    if done.exit_code == 0:
        raise UsageError(
            f"{base} holds what looks like a password in {printable(', '.join(done.output), limit=300)}: "
            "it is not taken along",
            hint="Use an image without it.",
        )


def _download(base: str, container: Container, packages: Sequence[str]) -> None:
    command = ("pip", "download", "--quiet", "--no-cache-dir", "--disable-pip-version-check", "-d", _WHEELS, *packages)
    done = container.execute(command, _DOWNLOAD_S)
    if done.exit_code != 0:
        told = "; ".join(line for line in done.output if "ERROR" in line) or " ".join(done.output[-1:])
        raise ImgcompareError(
            f"pip in {base} cannot get {printable(' '.join(packages), limit=200)}: {printable(told, limit=300)}",
            hint="Run it where the package index answers.",
        )


def _taken(base: str, container: Container) -> dict[str, bytes]:
    done = container.capture(("tar", "-cf", "-", "-C", _WHEELS, "."), _DOWNLOAD_S, _WHEELS_LIMIT)
    if done.exit_code != 0:
        raise ImgcompareError(f"the packages for {base} cannot be read: exit code {done.exit_code}")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(done.output)) as tar:
        for info in tar:
            reader = tar.extractfile(info) if info.isreg() else None
            if reader is not None:
                found[Path(info.name).name] = reader.read()
    return found


def load_bundle(path: Path, say: Callable[[str], None]) -> Endpoint:
    """Load a bundle into imgcompare's own engine and prefer that. Nothing is loaded of one that is not whole."""
    say(f"Checking {path}.")
    contents = bundle_file.read(path)
    status = daemon.start(say)
    socket = Path(status.endpoint.removeprefix("unix://"))
    fresh = daemon.fresh_folder("wheels")
    try:
        say(f"Loading {', '.join(image.reference for image in contents.images)}.")
        _load_images(path, socket, fresh)
        missing = [image.reference for image in contents.images if not has_image(socket, image.reference)]
        if missing:
            raise BaseImageError(f"the engine did not take {', '.join(missing)} from {path}")
        if contents.wheels:
            variables = daemon.offer_wheels(fresh, say)
            for image in (each for each in contents.images if each.has_wheels):
                _point_pip(socket, image.reference, variables)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return prefer_own(Endpoint(url=status.endpoint, source="imgcompare's own engine", own=True), say)


def _load_images(path: Path, socket: Path, wheels: Path) -> None:
    """Read the file once: the images' archive goes to the engine while the wheels go to their folder."""
    parts: Queue[bytes | None] = Queue(_QUEUE)
    failed: list[BaseException] = []

    def read() -> None:
        try:
            bundle_file.unpack(path, parts.put, lambda name, data: _write(wheels / name, data))
        except BaseException as exc:  # noqa: BLE001 - told by the thread that waits for us
            failed.append(exc)
        parts.put(None)

    def chunks() -> Iterator[bytes]:
        yield from iter(parts.get, None)
        if failed:
            raise failed[0]

    reader = Thread(target=read, name="imgcompare-bundle", daemon=True)
    reader.start()
    load(socket, chunks())
    reader.join()


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as exc:
        raise NoEngineError(f"cannot write {path}: {exc.strerror}", hint="Free some space.") from exc


def _point_pip(socket: Path, reference: str, variables: Mapping[str, str]) -> None:
    """Give an image pip's variables, in its configuration only: no layer changes, and so no size does."""
    lines = [f"FROM {reference}", *(f"ENV {name}={value}" for name, value in variables.items())]
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        text = "\n".join(lines).encode()
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    build(socket, reference, context.getvalue(), lambda _text: None)
