"""What ``imgcompare setup`` does: have an engine that answers, with the bases that the bundled Dockerfiles name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.endpoint.find import find_engine
from imgcompare.engine.interface import STAND_IN_LABEL, Endpoint, Engine
from imgcompare.engine.own import daemon
from imgcompare.engine.own.host import PACKAGES, install_programs
from imgcompare.engine.own.stand_ins import BUNDLED_BASES, check_stand_ins, make_stand_in
from imgcompare.errors import BaseImageError, NoEngineError, OwnEngineStoppedError
from imgcompare.text.printable import printable

Say = Callable[[str], None]


def prepare(say: Say, confirm: Callable[[str], bool], stand_ins: Sequence[str] = ()) -> Endpoint:
    """Make the machine ready and return the endpoint that a run will use; ``stand_ins`` are made in the own engine.

    ``confirm`` is asked before anything is installed. Raises NoEngineError, BaseImageError or UsageError.
    """
    check_stand_ins(stand_ins)
    endpoint = _answering(say)
    if endpoint is None:
        _have_programs(say, confirm)
        endpoint = _answering(say)  # the distribution's package may have started its own
    if endpoint is not None and not endpoint.own and not stand_ins:
        if _has_bases(endpoint, say):
            return endpoint
        say("Preparing imgcompare's own engine instead; `imgcompare engine stop` goes back to this one.")
    _have_programs(say, confirm)
    own = Endpoint(url=daemon.start(say).endpoint, source="imgcompare's own engine", own=True)
    _provide(own, say, stand_ins)
    return prefer_own(own, say)


def _answering(say: Say) -> Endpoint | None:
    try:
        return find_engine(start_own=False)
    except OwnEngineStoppedError:
        return None
    except NoEngineError as exc:
        for line in exc.message.splitlines():
            say(line)
        return None


def _have_programs(say: Say, confirm: Callable[[str], bool]) -> None:
    missing = daemon.programs_missing()
    if not missing:
        return
    if not confirm(f"Install {', '.join(PACKAGES)} with apt-get, for imgcompare's own engine?"):
        raise NoEngineError(
            f"imgcompare's own engine needs programs that are not installed: {', '.join(missing)}",
            hint=f"`imgcompare setup --yes` installs them, or do it yourself: apt-get install {' '.join(PACKAGES)}",
        )
    install_programs(say)


def _has_bases(endpoint: Endpoint, say: Say) -> bool:
    """Whether a foreign engine has, or can pull, all bases; the first that it cannot get settles it."""
    engine = SdkEngine(endpoint)
    say(f"An engine answers at {printable(endpoint.url)} ({printable(endpoint.source)}).")
    try:
        for tag in BUNDLED_BASES:
            _find_or_pull(engine, tag, say)
    except BaseImageError as exc:
        say(exc.message)
        return False
    finally:
        engine.close()
    return True


def _find_or_pull(engine: Engine, tag: str, say: Say) -> None:
    image = engine.image(tag)
    if image is None:
        say(f"{tag}: pulling.")
        engine.pull(tag, None, lambda text: say(f"{tag}: {text}"))
        say(f"{tag}: pulled.")
    elif STAND_IN_LABEL in image.labels:
        say(f"{tag}: is there, a stand-in made from the distribution's packages.")
    else:
        say(f"{tag}: is there.")


def _provide(own: Endpoint, say: Say, stand_ins: Sequence[str]) -> None:
    """Have the bundled bases and the ``stand_ins`` in the own engine; after one pull that fails, no other is tried."""
    socket = Path(own.url.removeprefix("unix://"))
    engine = SdkEngine(own)
    registry = True
    try:
        for tag in BUNDLED_BASES:
            if registry or engine.image(tag) is not None:
                try:
                    _find_or_pull(engine, tag, say)
                    continue
                except BaseImageError as exc:
                    say(exc.message)
                    registry = False
            make_stand_in(socket, tag, say)
            say(f"{tag}: made from the distribution's packages.")
        for tag in stand_ins:
            make_stand_in(socket, tag, say, on_request=True)
            say(f"{tag}: made from the distribution's packages.")
    finally:
        engine.close()


def prefer_own(own: Endpoint, say: Say) -> Endpoint:
    """Have runs use the own engine, by preference only where they else would not; say what still goes before it."""
    reason = ""
    for prefer in (False, True):
        if prefer:
            daemon.set_preferred(True)
        try:
            found = find_engine(start_own=False)
        except NoEngineError as exc:
            reason = exc.message
            continue
        if found.own:
            return found
        reason = f"{found.source} names {found.url}"
    say(f"imgcompare's own engine is ready, but something goes before it: {printable(reason)}. Unset that to use it.")
    return own
