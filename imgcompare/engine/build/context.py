"""A build context on disk, and the Dockerfile that builds it: what is read and checked before anything is built."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.engine.build.context_tar import Sent, tar_stream
from imgcompare.engine.build.dockerignore import NO_MATCH, IgnoreRules, parse_rules
from imgcompare.engine.build.walk import Selection, unreadable, walk
from imgcompare.errors import UsageError

# With our saved reports in it, `COPY . .` would make another image in each run.
NEVER_SENT = IgnoreRules().leaving_out(".imgcompare")
_IGNORE_FILE = ".dockerignore"
_PODMANS_FILE = ".containerignore"
_NAMED = 3


class BuildContext(Struct, frozen=True, kw_only=True):
    """A build context on disk and a Dockerfile with its content; ``inside`` is its name in the context, if it is there.

    ``rules`` say what COPY does not see; they are those of the file ``<Dockerfile>.dockerignore`` where ``ignore_file``
    holds its content, else of the root's; ``ignored_by`` is the text they were read from. ``appended`` names a file and
    what is sent after its content.
    """

    root: Path
    name: str
    dockerfile_content: bytes
    inside: str | None
    rules: IgnoreRules
    ignore_file: bytes | None = None
    appended: tuple[str, bytes] = ("", b"")
    ignored_by: bytes = b""

    def stream(self, *, podman: bool = False) -> Iterator[bytes]:
        """Read the context now and give its tar in chunks of at most 1 MiB: for builders that ask for no files.

        Podman applies the ignore files in it, which Docker's builders do not. Raises UsageError naming the path that
        cannot be read.
        """
        return tar_stream(self._sent(podman=podman), self.rules, self.appended)

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's name in the tar."""
        return self._sent().dockerfile

    @property
    def hides(self) -> bool:
        """Whether the tar holds files that are for the builder alone, which BuildKit would let COPY see."""
        return bool(self._sent().extra)

    @property
    def key(self) -> tuple[object, ...]:
        """What contexts have in common in which COPY sees the same."""
        return self.root, self.ignored_by, self.appended

    def check(self) -> None:
        """Raise UsageError for a path that COPY can see and that cannot be read."""
        for entry in walk(str(self.root), Selection(self.rules)):
            if stat.S_ISREG(entry.stat.st_mode) and not os.access(entry.path, os.R_OK):
                raise unreadable(entry.path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))

    def digest(self, stop: Callable[[], None] = lambda: None) -> str:
        """Return ``sha256:…`` over names, modes, types, link targets and contents of what COPY can see.

        Times do not count: variants that share a context share its digest. ``stop`` is called now and then, and may
        raise.
        """
        digest = hashlib.sha256()
        sent = Sent(root=str(self.root), dockerfile=self.inside or "")
        for part in tar_stream(sent, self.rules, self.appended, times=False):
            stop()
            digest.update(part)
        return f"sha256:{digest.hexdigest()}"

    def files(self) -> Iterator[str]:
        """Give the names of the files COPY can see, in order; of one with several names only the first."""
        seen: set[tuple[int, int]] = set()
        for entry in walk(str(self.root), Selection(self.rules)):
            inode = (entry.stat.st_dev, entry.stat.st_ino)
            if stat.S_ISREG(entry.stat.st_mode) and inode not in seen:
                seen.add(inode)
                yield entry.name

    def with_dockerfile(self, content: bytes) -> BuildContext:
        """Return the same context to be built by another Dockerfile."""
        return replace(self, dockerfile_content=content, inside=None)

    def dockerfile_digest(self) -> str:
        """Return ``sha256:…`` over the Dockerfile's content."""
        return f"sha256:{hashlib.sha256(self.dockerfile_content).hexdigest()}"

    def _sent(self, *, podman: bool = False) -> Sent:
        """What the tar holds: COPY's files, and the Dockerfile where it is none of them.

        An engine's classic builder, and Podman, drop the Dockerfile and the ignore file if the root's ignore file names
        them (moby builder/remotecontext/detect.go): it is sent for that, or one of ours where it does not name them.
        """
        root = str(self.root)
        # Where the Dockerfile's own ignore file holds, Podman must not apply the root's, too: this one goes before it.
        instead = podman and self.ignore_file is not None
        if self.inside is not None and not self._ignores(self.inside):
            first = {_PODMANS_FILE: f"{_PODMANS_FILE}\n".encode()} if instead else {}
            return Sent(root=root, dockerfile=self.inside, extra=first)
        shared = _read(self.root / _IGNORE_FILE, "ignore file")
        if self.inside is not None and self.ignore_file is None and shared is not None:
            extra = {self.inside: self.dockerfile_content, _IGNORE_FILE: shared}
            return Sent(root=root, dockerfile=self.inside, extra=extra)
        name = f".imgcompare-{hashlib.sha256(self.dockerfile_content).hexdigest()[:12]}.Dockerfile"
        if instead:
            rules = f"{_PODMANS_FILE}\n{name}\n".encode()
            return Sent(root=root, dockerfile=name, extra={name: self.dockerfile_content, _PODMANS_FILE: rules})
        kept = shared is not None and not self._ignores(_IGNORE_FILE)
        rules = b"\n".join((shared if shared is not None and kept else _IGNORE_FILE.encode(), name.encode(), b""))
        return Sent(root=root, dockerfile=name, extra={name: self.dockerfile_content, _IGNORE_FILE: rules})

    def _ignores(self, name: str) -> bool:
        """Whether COPY does not see a name, by its own pattern or by that of a folder it is in."""
        match = NO_MATCH
        for end in [index for index, char in enumerate(name) if char == "/"] + [len(name)]:
            match = self.rules.match(name[:end], match)
        return match.named


def open_context(root: Path, dockerfile: Path, content: bytes | None = None) -> BuildContext:
    """Open the build context in folder ``root`` for ``dockerfile``, a path of its own that may lie outside the context.

    With ``content`` it is built by that, and there need be no file.

    ``<dockerfile>.dockerignore`` beside the Dockerfile wins over ``.dockerignore`` at the root
    (https://docs.docker.com/build/concepts/context/#filename-and-location); a link at the root that leads out of the
    context ignores nothing, as the builder sees no file there. Raises UsageError for what cannot be used, before
    anything is built.
    """
    folder = _checked_folder(root)
    inside = None
    if content is None:
        content = _checked_dockerfile(dockerfile)
        resolved = dockerfile.resolve()
        inside = resolved.relative_to(folder).as_posix() if resolved.is_relative_to(folder) else None
    own = dockerfile.with_name(dockerfile.name + _IGNORE_FILE)
    shared = folder / _IGNORE_FILE
    ignore_file = _read(own, "ignore file")
    text, source = ignore_file or b"", own
    if ignore_file is None and Path(os.path.realpath(shared)).is_relative_to(folder):
        text, source = _read(shared, "ignore file") or b"", shared
    rules = parse_rules(text.decode("utf-8", "surrogateescape"), str(source))
    return BuildContext(
        root=folder,
        name=dockerfile.name,
        dockerfile_content=content,
        inside=inside,
        rules=IgnoreRules((*rules.patterns, *NEVER_SENT.patterns)),
        ignore_file=ignore_file,
        ignored_by=text,
    )


def _checked_folder(root: Path) -> Path:
    hint = "Name an existing folder with --build-context."
    try:
        with os.scandir(root):
            return root.resolve()
    except FileNotFoundError as exc:
        raise UsageError(f"build context {root} does not exist", hint=hint) from exc
    except NotADirectoryError as exc:
        raise UsageError(f"build context {root} is not a folder", hint=hint) from exc
    except OSError as exc:
        raise UsageError(f"build context {root} cannot be read: {exc.strerror}", hint=hint) from exc


def _checked_dockerfile(path: Path) -> bytes:
    content = _read(path, "Dockerfile")
    if content is None:
        raise UsageError(f"Dockerfile {path} does not exist", hint=_near(path))
    lines = (line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())
    if all(not line or line.startswith(b"#") for line in lines):
        raise UsageError(f"Dockerfile {path} has no instruction", hint="A Dockerfile begins with FROM.")
    return content


def _near(path: Path) -> str:
    """What may have been meant by a path that is not there."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed when something went wrong

    with suppress(OSError):
        there = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
        if close := get_close_matches(path.name, there, n=1):
            return f"Did you mean {path.with_name(close[0])}?"
        if below := sorted(path.parent.glob(f"*/{glob.escape(path.name)}"))[:_NAMED]:
            return f"Did you mean {' or '.join(map(str, below))}?"
    return f"Paths are relative to the current folder, {Path.cwd()}."


def _read(path: Path, what: str) -> bytes | None:
    """Return the content, or None if there is no such file; a FIFO is refused, for reading it could wait for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{what} {path} is not a file", hint="It must be a regular file.")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"{what} {path} cannot be read: {exc.strerror}", hint="Make it readable.") from exc
