"""Pure: the port that an image names elsewhere than in EXPOSE: in its command, its environment or its HEALTHCHECK."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from imgcompare.diagnosis.command import command_of, environment
from imgcompare.engine.interface import EngineImage
from imgcompare.regex import regex

_OPTIONS = {"--port", "-p", "--bind", "-b", "--listen", "--http-port", "--server.port", "--http", "--http-socket"}
_VARIABLES = ("PORT", "FLASK_RUN_PORT", "UVICORN_PORT", "STREAMLIT_SERVER_PORT", "GRADIO_SERVER_PORT", "HTTP_PORT")
_PORT = regex(r"(?:.*:)?(\d{1,5})")
_ADDRESS = regex(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]*\]|localhost|\*)?:(\d{1,5})")
_URL = regex(r"https?://[^/\s:]+:(\d{1,5})\b")


def named_port(image: EngineImage) -> tuple[int, str] | None:
    """The port and who names it (``CMD``), the command before the environment, that before HEALTHCHECK."""
    command = command_of(image)
    variables = environment(image, {})
    named = (
        *((port, command.keyword) for port in _in_words(command.words, variables)),
        *((variables[name], f"ENV {name}") for name in _VARIABLES if name in variables),
        *(
            (port, "HEALTHCHECK")
            for port in _URL.findall(" ".join(image.healthcheck.command if image.healthcheck else ()))
        ),
    )
    return next(((int(port), source) for port, source in named if port.isdecimal() and 0 < int(port) < 65536), None)


def _in_words(words: Sequence[str], variables: dict[str, str]) -> Iterator[str]:
    """What follows an option for a port, and what looks like an address or stands where a server wants its port."""
    for before, word in pairwise((*words, "")):
        option, equals, value = before.partition("=")
        if option not in _OPTIONS:
            continue
        value = _put_in(value if equals else word, variables)
        if match := _PORT.fullmatch(value):
            yield match[1]
    yield from (match[1] for word in words[1:] if (match := _ADDRESS.fullmatch(_put_in(word, variables))))
    for server in ("runserver", "http.server"):
        if server in words[:-1] and (match := _PORT.fullmatch(words[words.index(server) + 1])):
            yield match[1]


def _put_in(text: str, variables: dict[str, str]) -> str:
    """A word of a shell line with the image's own variables, and the values these have where they are not set."""
    text = re.sub(r"\$\{(\w+):?-([^}]*)\}", lambda match: variables.get(match[1]) or match[2], text)
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], match[0]), text)
