"""The bundle without an engine: what is needed, what the file holds, and that a damaged one is never used."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
import zstandard
from click.testing import CliRunner

from imgcompare.cli.main import cli
from imgcompare.engine.interface import EngineImage
from imgcompare.engine.own import wheels
from imgcompare.errors import ImgcompareError, UsageError
from imgcompare.workshop import bundle_file
from imgcompare.workshop.bundle import PASSWORD_LINE, load_bundle, refuse_secrets
from imgcompare.workshop.bundle_file import Contents, PackedImage, finish, read, unpack, writing
from imgcompare.workshop.needs import chosen, installed, needed

WHEEL = "wheels/flask-3.1.3-py3-none-any.whl"


def made(path: Path, chunks: tuple[bytes, ...] = (b"a" * 5_000_000, b"b" * 5_000_000)) -> Contents:
    """A small bundle."""
    with writing(path) as writer:
        writer.add_images(chunks)
        writer.add(WHEEL, b"wheel")
        contents = Contents(
            format=1,
            tool_version="1",
            created="2026-11-28T14:00:00Z",
            images=(PackedImage(reference="python:3.11-slim", os="linux", architecture="amd64", has_wheels=True),),
            members=tuple(writer.members),
            left_out=("python:3.11-alpine",),
        )
        finish(writer, contents)
    return contents


def members(path: Path) -> dict[str, bytes]:
    """What is in a bundle, by name."""
    data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar}


def remade(path: Path, found: Mapping[str, bytes]) -> None:
    """Write a file that is whole as a file, with these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in found.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))


def flipped(at: float) -> Callable[[Path], None]:
    """One bit the other way round, at a part of the file's length."""

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(at * (len(data) - 1))] ^= 1
        path.write_bytes(data)

    return flip


def listed_otherwise(**changes: object) -> Callable[[Path], None]:
    """Another value in the list at its end."""

    def change(path: Path) -> None:
        found = members(path)
        listed = msgspec.json.decode(found[bundle_file.LIST])
        remade(path, found | {bundle_file.LIST: msgspec.json.encode(listed | changes)})

    return change


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_text("FROM python\n" * 100),
    "cut in its middle": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut at its end": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "a bit at its beginning": flipped(0.0),
    "a bit in its middle": flipped(0.5),
    "a bit at its end": flipped(1.0),
    "more behind it": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "without its list": lambda path: remade(path, {n: d for n, d in members(path).items() if n != bundle_file.LIST}),
    "without a wheel": lambda path: remade(path, {n: d for n, d in members(path).items() if n != WHEEL}),
    "another wheel": lambda path: remade(path, members(path) | {WHEEL: b"other"}),
    "one wheel more": lambda path: remade(path, {"wheels/more.whl": b"x", **members(path)}),
    "a way out of its folder": lambda path: remade(path, {"wheels/../../x": b"x", **members(path)}),
    "a list that is none": lambda path: remade(path, members(path) | {bundle_file.LIST: b"{"}),
    "a newer format": listed_otherwise(format=2),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_before_anything_is_touched(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error that names the file, and neither an engine is started nor a folder made."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "a.bundle"
    made(path)
    DAMAGES[damage](path)
    with pytest.raises(UsageError) as caught:
        load_bundle(path, lambda _text: None)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["none.bundle", "."])
def test_a_bundle_that_is_not_there_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is missing nor a folder ends in a traceback."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["bundle", "show", name])
    assert isinstance(done.exception, ImgcompareError)
    assert f"cannot read the bundle {name}" in done.exception.message


def test_what_went_in_comes_out_in_its_order(tmp_path: Path) -> None:
    """The images' archive comes in parts of which none is large, and the wheels by name."""
    path = tmp_path / "a.bundle"
    assert made(path) == read(path)
    parts, found = list[bytes](), dict[str, bytes]()
    unpack(path, parts.append, found.__setitem__)
    assert b"".join(parts) == b"a" * 5_000_000 + b"b" * 5_000_000
    assert max(map(len, parts)) <= bundle_file.PART_BYTES
    assert found == {"flask-3.1.3-py3-none-any.whl": b"wheel"}


def test_nothing_is_left_of_a_bundle_that_was_not_finished(tmp_path: Path) -> None:
    """An engine that is lost half-way leaves neither half a file nor the one before it changed."""
    path = tmp_path / "a.bundle"
    path.write_text("the one before")

    def half() -> None:
        with writing(path) as writer:
            writer.add(WHEEL, b"x")
            raise RuntimeError("the engine is lost")

    with pytest.raises(RuntimeError, match="lost"):
        half()
    assert [each.name for each in tmp_path.iterdir()] == ["a.bundle"]
    assert path.read_text() == "the one before"


def test_show_tells_what_is_in_it_and_what_is_not(tmp_path: Path) -> None:
    """Who gets the stick sees which images and packages are on it, and who made them."""
    path = tmp_path / "a.bundle"
    made(path)
    done = CliRunner().invoke(cli, ["bundle", "show", str(path)], env={"COLUMNS": "200"})
    assert "python:3.11-slim (linux/amd64), as pulled" in done.output
    assert "flask-3.1.3-py3-none-any.whl (5 B)" in done.output
    assert "Not in it: python:3.11-alpine" in done.output


def test_everything_bundled_needs_three_images_and_its_packages() -> None:
    """Demo, scenarios and exercises name no image but Python's, and every package is known before it is built."""
    needs = needed(chosen((), ()))
    assert set(needs.bases) == {"python:3.11", "python:3.11-slim", "python:3.11-alpine"}
    every = {package for sets in needs.packages.values() for packages in sets for package in packages}
    assert {"flask==3.1.3", "flask==2.3.3", "flask==2.2.2", "psycopg2==2.9.10", "waitress==3.0.2"} <= every
    assert not any(package.startswith(("-", "#")) for package in every)


def test_one_exercise_needs_what_its_two_dockerfiles_do() -> None:
    """A bundle for less is smaller; images that were named come with it."""
    needs = needed(chosen((), ("nobody-answers",)), ("busybox",))
    assert needs.bases == ("python:3.11-slim", "busybox")
    assert list(needs.packages) == ["python:3.11-slim"]
    assert needed(chosen(("slim-to-slim",), ())).bases == ("python:3.11-slim",)


def test_packages_are_found_however_pip_is_called(tmp_path: Path) -> None:
    """Options before and behind `install`, lines that go on, comments within, several commands in one RUN."""
    (tmp_path / "requirements.txt").write_text("# ours\nflask==3.1.3  # web\n\n")
    text = """
FROM x
RUN pip --python /v/bin/python install --no-cache-dir \\
    # the app's
    -r app/requirements.txt psycopg2==2.9.10 && rm -rf /tmp/x
RUN apt-get install -y curl; pip3 install 'a<2'
"""
    assert installed(text, tmp_path) == (("flask==3.1.3", "psycopg2==2.9.10"), ("a<2",))


@pytest.mark.parametrize(
    ("variable", "refused"),
    [
        ("PIP_INDEX_URL=https://me:hunter2hunter2@index.example/simple", True),
        ("API_TOKEN=0123456789abcdef0123", True),
        ("GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", False),
        ("PATH=/usr/local/bin:/usr/bin", False),
        ("PIP_FIND_LINKS=http://169.254.1.1:8377/", False),
    ],
)
def test_no_image_with_a_secret_in_its_variables_is_taken_along(variable: str, refused: bool) -> None:
    """It would be on every stick; what the official images have is none."""
    image = EngineImage(
        image="sha256:0", os="linux", architecture="amd64", diff_ids=(), exposed_ports=(), labels={}, env=(variable,)
    )
    with pytest.raises(UsageError, match=variable.partition("=")[0]) if refused else nullcontext():
        refuse_secrets("shop:1", image)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("deb https://me:hunter2@mirror.example/debian stable main", True),
        ("machine mirror.example login me password hunter2", True),
        ("index-url = https://me:hunter2@index.example/simple", True),
        ("deb http://deb.example.org/debian stable main", False),
        ("URIs: http://mirror.example:8080/debian", False),
        ("# password files are elsewhere", False),
    ],
)
def test_passwords_of_package_sources_are_seen(line: str, refused: bool) -> None:
    """Stand-ins hold the package sources of the machine that made them."""
    found = subprocess.run(["grep", "-qE", PASSWORD_LINE], input=line, text=True, check=False)
    assert found.returncode == (0 if refused else 1)


def test_wheels_have_an_address_that_stays_and_is_nobodys_else() -> None:
    """RFC 3927's range without its ends, and never that of a cloud's metadata."""
    found = {wheels.address(f"imgc-0000{number:04x}") for number in range(0, 0x10000, 7)}
    parts = [address.split(".") for address in found]
    assert all(first == "169" and second == "254" for first, second, _, _ in parts)
    assert all(1 <= int(third) <= 160 and 1 <= int(fourth) <= 254 for _, _, third, fourth in parts)
    assert wheels.variables("imgc-00000000")["PIP_FIND_LINKS"] == f"http://{wheels.address('imgc-00000000')}:8377/"
