"""The request's parameters and the stream of JSON messages."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.request import parameters
from imgcompare.engine.interface import BuildRequest
from imgcompare.engine.transport.json_stream import error_text, messages
from imgcompare.errors import EngineError, EngineLostError
from tests.support.builds import no_context


def test_parameters_name_only_what_was_asked_for() -> None:
    """A plain build sends no option that would make the image another one, labels least of all."""
    request = BuildRequest(context=no_context(), tag="x:1")
    assert parameters(request, 2) == {
        "version": "2",
        "t": "x:1",
        "dockerfile": "Dockerfile",
        "rm": "1",
        "forcerm": "1",
    }


def test_parameters_carry_every_option() -> None:
    """Target, build arguments, platform and no cache reach the engine, an empty argument too."""
    request = BuildRequest(
        context=no_context(inside="a/Dockerfile"),
        tag="x:1",
        target="final",
        build_args={"A": "1", "B": ""},
        platform="linux/arm64",
        no_cache=True,
    )
    params = parameters(request, 1)
    assert json.loads(params["buildargs"]) == {"A": "1", "B": ""}
    assert (params["target"], params["platform"], params["nocache"]) == ("final", "linux/arm64", "1")


def test_messages_share_a_line_or_end_with_crlf_or_not_at_all() -> None:
    """Every way in which engines put messages after one another is read."""
    stream = [b'{"a":1}{"b":2} {"c"', b':3}\r\n\r\n{"d":4}\n', b'{"e":5}']
    assert list(messages(stream)) == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}, {"e": 5}]


def test_messages_come_as_soon_as_their_line_is_complete() -> None:
    """Progress is live: a message is not held back until the next chunk."""
    seen = []

    def stream() -> object:
        yield b'{"a":1}\n{"b"'
        seen.append("asked for more")
        yield b":2}\n"

    answer = messages(stream())  # type: ignore[arg-type]
    assert next(answer) == {"a": 1}
    assert seen == []


def test_a_stream_cut_within_a_message_means_a_lost_engine() -> None:
    """An engine that dies in the middle of a message is told from one that reports a failure."""
    answer = messages([b'{"a":1}\n{"stre'])
    assert next(answer) == {"a": 1}
    with pytest.raises(EngineLostError):
        next(answer)


@pytest.mark.parametrize("line", [b"<html>\n", b"[1]\n", b"3\n", b"[" * 100_000 + b"\n", b'{"a":' * 100_000 + b"\n"])
def test_what_is_no_json_object_is_an_error_of_the_engine(line: bytes) -> None:
    """A proxy's error page, other JSON and absurd nesting are refused with a message."""
    with pytest.raises(EngineError, match="is not"):
        list(messages([line]))


def test_a_message_without_end_is_refused() -> None:
    """Memory stays bounded whatever is sent."""
    with pytest.raises(EngineError, match="more than"):
        list(messages(b"x" * (1 << 20) for _ in range(100)))


def test_error_detail_goes_before_error() -> None:
    """The newer field is believed; the older one serves where it is missing, damaged or empty."""
    assert error_text({"errorDetail": {"message": "new"}, "error": "old"}) == "new"
    assert error_text({"errorDetail": {"code": 1}, "error": "old"}) == "old"
    assert error_text({"errorDetail": "x", "error": "old"}) == "old"
    assert error_text({"error": 3}) is None
    assert error_text({"stream": "x"}) is None


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers(), max_size=3)), st.data())
def test_chunk_boundaries_never_matter(values: list[dict[str, object]], data: st.DataObject) -> None:
    """However the transport cuts the stream, the same messages come out."""
    raw = b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\r\n" for value in values)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=10)))
    chunks = [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert list(messages(chunks)) == values


@given(st.lists(st.binary(max_size=60)))
def test_arbitrary_bytes_raise_nothing_but_engine_errors(chunks: list[bytes]) -> None:
    """No garbage from the network becomes a traceback."""
    with contextlib.suppress(EngineError):
        list(messages(chunks))
