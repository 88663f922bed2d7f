"""One comment, made once and then updated, whatever else happens on the pull request and to the connection."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping

import pytest

from imgcompare.errors import ForgeBusyError, ForgeError, ForgeRefusedError, UsageError
from imgcompare.pullrequest import Posted, post
from imgcompare.pullrequest.job import Found, find_thread
from tests.support.forge import BOT, TOKEN, Fault, Forge

Environ = Callable[[Forge], Mapping[str, str]]
BOTH = pytest.mark.parametrize("environ", [Forge.github_environ, Forge.gitlab_environ], ids=["github", "gitlab"])


def posted(environ: Mapping[str, str], text: str, name: str = "report") -> tuple[Posted, list[float]]:
    """What came of it, and the waits in between."""
    found = find_thread(environ)
    assert isinstance(found, Found)
    waits: list[float] = []
    return post(found.thread, name, text, wait=waits.append), waits


@BOTH
def test_the_second_time_updates_the_first_comment(environ: Environ, forge: Forge) -> None:
    """One comment, at the same address, with the newer text."""
    first, _ = posted(environ(forge), "## 100 MB\n")
    second, _ = posted(environ(forge), "## 90 MB\n")
    assert (first.updated, second.updated) == (False, True)
    assert first.url == second.url
    assert re.fullmatch(r"https://forge\.example/shop/web/\S*7#(issuecomment-|note_)100", first.url)
    assert forge.bodies() == ["<!-- imgcompare:report -->\n\n## 90 MB\n"]


@BOTH
def test_each_name_has_a_comment_of_its_own(environ: Environ, forge: Forge) -> None:
    """A longer name that begins alike is another one."""
    for name, text in [("web", "1"), ("web-2", "2"), ("web", "3")]:
        posted(environ(forge), text, name)
    assert forge.bodies() == ["<!-- imgcompare:web -->\n\n3\n", "<!-- imgcompare:web-2 -->\n\n2\n"]


@BOTH
def test_what_others_wrote_is_not_touched(environ: Environ, forge: Forge) -> None:
    """Not with the same hidden line, not as a quote by ourselves, not of a deleted account."""
    marked = "<!-- imgcompare:report -->\n\nmine"
    for author, body in [("mallory", marked), ("", marked), (BOT, f"> {marked}"), (BOT, f"As said:\n{marked}")]:
        forge.say(author, body)
    before = [dict(comment) for comment in forge.comments]
    posted(environ(forge), "new")
    assert forge.comments[:4] == before
    assert forge.bodies()[-1] == "<!-- imgcompare:report -->\n\nnew\n"


@BOTH
def test_it_is_found_behind_many_others(environ: Environ, forge: Forge) -> None:
    """On the third page of a long discussion; a comment stored with other line ends is still ours."""
    for number in range(110):
        forge.say("someone", f"comment {number}")
    forge.say(BOT, "<!-- imgcompare:report -->\r\n\r\nold")
    assert posted(environ(forge), "new")[0].updated
    assert forge.bodies() == ["<!-- imgcompare:report -->\n\nnew\n"]
    assert sum(line.startswith("GET") and "user" not in line for line in forge.requests) == 3


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Fault("GET", 500), [2.0]),
        (Fault("POST", 502), [2.0]),
        (Fault("POST", 429, {"Retry-After": "7"}), [7.0]),
        (Fault("POST", 403, {"Retry-After": "5"}, "You have exceeded a secondary rate limit"), [5.0]),
        (Fault("POST", 403, {}, "You have exceeded a secondary rate limit"), [60.0]),
        (Fault("GET", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}), [2.0]),
    ],
    ids=["500", "502", "retry-after", "secondary", "secondary-without-time", "quota-full-again"],
)
def test_a_passing_fault_is_waited_out(fault: Fault, waits: list[float], forge: Forge) -> None:
    """As long as the forge asks for, or a little."""
    forge.faults.append(fault)
    assert posted(forge.github_environ(), "x") == (Posted(forge_address(100), updated=False), waits)


def forge_address(number: int) -> str:
    """Where GitHub shows a comment."""
    return f"https://forge.example/shop/web/pull/7#issuecomment-{number}"


def test_a_comment_whose_reply_got_lost_is_not_made_twice(forge: Forge) -> None:
    """The next try finds it."""
    forge.faults.append(Fault("POST", 504, late=True))
    assert posted(forge.github_environ(), "x")[0] == Posted(forge_address(100), updated=True)
    assert len(forge.comments) == 1


def test_it_is_tried_four_times(forge: Forge) -> None:
    """Then the error is told, with what the forge said."""
    forge.faults += [Fault("POST", 503, message="Unicorn!")] * 4
    with pytest.raises(ForgeBusyError, match=r"^GitHub answered 503: Unicorn!$") as caught:
        posted(forge.github_environ(), "x")
    assert (caught.value.exit_code, caught.value.hint) == (4, "Try again later.")
    assert forge.requests.count("POST /repos/shop/web/issues/7/comments") == 4


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "3600"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1800)}],
    ids=["retry-after", "quota"],
)
def test_no_job_waits_for_an_hour(headers: dict[str, str], forge: Forge) -> None:
    """A limit that lasts is told at once."""
    forge.faults.append(Fault("GET", 429, headers))
    with pytest.raises(ForgeBusyError, match="GitHub answered 429"):
        posted(forge.github_environ(), "x")
    assert len(forge.requests) == 2


@BOTH
def test_a_token_that_may_not_write(environ: Environ, forge: Forge) -> None:
    """The permission that is missing is named; nothing is tried again."""
    forge.read_only = True
    with pytest.raises(ForgeRefusedError, match=r"^Git(Hub|Lab) answered 403: ") as caught:
        posted(environ(forge), "x")
    assert caught.value.exit_code == 2
    assert re.search(r"pull-requests: write|scope `api`", str(caught.value.hint))


@BOTH
def test_a_token_that_is_none(environ: Environ, forge: Forge) -> None:
    """The token stands in no message."""
    forge.users.clear()
    with pytest.raises(ForgeRefusedError, match="answered 401") as caught:
        posted(environ(forge), "x")
    assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
    assert str(caught.value.hint).startswith("It does not take the token: a wrong one, or out of date. ")


def test_why_there_is_no_reply_is_said_in_the_systems_words() -> None:
    """Not in those of the three libraries above it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ForgeBusyError, match=r"^no reply from GitHub: Connection refused$"):
        posted(Forge(url=url).github_environ(), "x")


def test_a_token_that_the_forge_repeats_is_masked(forge: Forge) -> None:
    """Whatever it says of it, and with its escape sequences gone."""
    forge.faults.append(Fault("GET", 422, message=f"bad \x1b[31mtoken {TOKEN}"))
    with pytest.raises(ForgeError, match=r"^GitHub answered 422: bad token •••$"):
        posted(forge.github_environ(), "x")


def test_a_netrc_does_not_replace_the_token(
    forge: Forge, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that a user has for the same host is not looked at."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert posted(forge.github_environ(), "x")[0].url == forge_address(100)


@pytest.mark.parametrize("token", ["a b", "a\nX-Other: b", "schlüssel"])
def test_a_token_that_cannot_be_one(token: str, forge: Forge) -> None:
    """It is refused before a request, and not printed."""
    with pytest.raises(UsageError, match=r"^the token for GitHub has characters that no token has$"):
        posted(forge.github_environ(token), "x")
    assert forge.requests == []


def test_white_space_around_a_token_is_no_part_of_it(forge: Forge) -> None:
    """Secrets are pasted with a line feed."""
    assert posted(forge.github_environ(f" {TOKEN}\n"), "x")[0].url == forge_address(100)


def test_a_text_that_is_too_long_or_empty(forge: Forge) -> None:
    """Nothing is sent; the longest that fits is."""
    frame = len("<!-- imgcompare:report -->\n\n\n")
    posted(forge.github_environ(), "x" * (65_536 - frame))
    with pytest.raises(UsageError, match=r"the comment has 65,537 characters, and 65,536 are allowed"):
        posted(forge.github_environ(), "x" * (65_537 - frame))
    with pytest.raises(UsageError, match="would be empty"):
        posted(forge.github_environ(), " \n")
    assert len(forge.bodies()) == 1


@pytest.mark.parametrize("name", ["", "a b", "-->", "a--b", "a-", "é", "x" * 65])
def test_names_that_would_break_the_hidden_line(name: str, forge: Forge) -> None:
    """It must stay an HTML comment of one line."""
    with pytest.raises(UsageError, match="cannot name a comment"):
        posted(forge.github_environ(), "x", name)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[nothing]", "none of its replies"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"data":null}'[:-1] + b"}", "none of its replies"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data":null}', "does not say who"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "answered 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b" " * (33 << 20), "more than 32 MiB"),
        (b"SSH-2.0-none\r\n", "no reply from GitHub"),
    ],
    ids=["no-json", "other-json", "no-viewer", "redirect", "huge", "no-http"],
)
def test_what_is_no_forge(reply: bytes, said: str) -> None:
    """A portal's page, a redirect that would carry the token elsewhere, an endless body: an error, exit code 4."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_all, args=(listener, reply))
        thread.start()
        forge = Forge(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            with pytest.raises(ForgeError, match=said) as caught:
                posted(forge.github_environ(), "x")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
    assert caught.value.exit_code == 4


def _answer_all(listener: socket.socket, reply: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                _read_request(connection)  # whole: closing with some of it unread would reset the connection
                connection.sendall(reply)
            except OSError:
                continue


def _read_request(connection: socket.socket) -> None:
    with connection.makefile("rb") as stream:
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        stream.read(length)
