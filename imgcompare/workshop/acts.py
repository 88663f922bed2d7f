"""The acts of the demo: what is shown, what is asked of the room, and what the answer is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from imgcompare.model import Report
from imgcompare.render.page import Page
from imgcompare.scenarios import bundled_root
from imgcompare.workshop import answers
from imgcompare.workshop.ahead import Errand
from imgcompare.workshop.answers import MULTI, SINGLE, TUTORIAL

Answer = Callable[[Page, Report], None]


class Act(Struct, frozen=True, kw_only=True):
    """One act: a Dockerfile on the screen, a question, the answer from what ``errand`` measured, what to take home.

    ``shows`` are the variants that its page for the projector has, ``notes`` the speaker's.
    """

    name: str
    title: str
    says: str
    question: str
    errand: Errand
    answer: Answer
    shows: tuple[str, ...]
    lesson: str
    notes: str
    dockerfile: Path | None = None


_ROOT = bundled_root()
_TUTORIALS = _ROOT / "dockerfiles/full-to-slim"
_FILES = {
    SINGLE: _TUTORIALS / "single-full.Dockerfile",
    TUTORIAL: _TUTORIALS / "tutorial.Dockerfile",
    MULTI: _TUTORIALS / "mended-venv.Dockerfile",
}
_BODY = "Hello, Docker!"
_FIRST = Errand(name="single stage", variants={SINGLE: _FILES[SINGLE]}, context=_TUTORIALS / "app", body=_BODY)
_SMALLER = Errand(
    name="the tutorial",
    variants={name: _FILES[name] for name in (SINGLE, TUTORIAL)},
    context=_TUTORIALS / "app",
    body=_BODY,
)
_MENDED = Errand(
    name="the mended one", variants=_FILES, context=_TUTORIALS / "app", body=_BODY, measure=("--after-change",)
)
_HARD = Errand(
    name="production",
    variants={
        "single-stage": _ROOT / "dockerfiles/default/single-stage.Dockerfile",
        "multi-stage": _ROOT / "dockerfiles/default/multi-stage.Dockerfile",
    },
    context=_ROOT / "sample_app",
    body=_BODY,
    measure=("--hardened", "--stop", "--health"),
)
ACTS = (
    Act(
        name="single",
        title="The Dockerfile that most of us write first",
        says="A web app of a dozen lines, and the Dockerfile that every introduction begins with.",
        dockerfile=_FILES[SINGLE],
        question="How large is the image? 50 MB, 250 MB, or more than 700 MB?",
        errand=_FIRST,
        answer=answers.sizes(SINGLE),
        shows=(SINGLE,),
        lesson="It works: that comes first. Its size is its base image's: the app is a few kilobytes of it.",
        notes="Let three people say a number before Enter. Unpacked is what lies on the server's disk, pull what goes "
        "over the line. Nobody asks yet whether it works; you do.",
    ),
    Act(
        name="tutorial",
        title="What the tutorial says",
        says="Build with the full image, ship on the slim one. A thousand tutorials have these lines.",
        dockerfile=_FILES[TUTORIAL],
        question="Which of the two is smaller? And does it still work?",
        errand=_SMALLER,
        answer=answers.sizes(SINGLE, TUTORIAL),
        shows=(SINGLE, TUTORIAL),
        lesson="It is smaller by most of the image, and dead. Whoever compares sizes only has just chosen it.",
        notes="Hands up twice: who thinks it is smaller, who thinks that it works. Most hands stay up for both. "
        "docker build said nothing, docker images praises it: only running it shows the truth.",
    ),
    Act(
        name="why",
        title="Why",
        says="It was built without a word.",
        question="What is missing, and where has it stayed?",
        errand=_SMALLER,
        answer=answers.why(TUTORIAL),
        shows=(TUTORIAL,),
        lesson="pip installs into Python's own folder, not into /app. The second stage begins as if the first had "
        "never been: what is not copied is not there.",
        notes="Have somebody read the log line aloud. Then ask where pip puts packages: few know the folder. The proof "
        "below the log line was looked up in the builder's own files, it is no guess.",
    ),
    Act(
        name="mended",
        title="Mended",
        says="Everything that pip installs goes into one folder, and that folder is taken along.",
        dockerfile=_FILES[MULTI],
        question="It works again. How much of the saving is left: all, half, or none?",
        errand=_MENDED,
        answer=answers.sizes(SINGLE, TUTORIAL, MULTI),
        shows=(SINGLE, TUTORIAL, MULTI),
        lesson="Nearly all of it. Leaving Flask out has saved next to nothing: the saving is the base image.",
        notes="Point at the two last rows: the difference between broken and working is a few megabytes. A virtual "
        "environment has to be at the same path in both stages; that is an exercise of its own.",
    ),
    Act(
        name="bytes",
        title="Where every byte went",
        says="Each byte of an image is counted once, by what it is.",
        question="What was in the large image that the small one can do without?",
        errand=_MENDED,
        answer=answers.contents(SINGLE, MULTI),
        shows=(SINGLE, MULTI),
        lesson="Compilers, headers and version control are needed while it is built, and then never again.",
        notes="Ask for guesses before Enter: somebody will say Python. Python and the packages are in both. "
        "`imgcompare inspect IMAGE` goes down to the single file.",
    ),
    Act(
        name="change",
        title="One letter changed",
        says="Images are built once a day and pulled by every server. Somebody changes one letter of the app.",
        question="What is built again, and how much does each server pull?",
        errand=_MENDED,
        answer=answers.changes(SINGLE, MULTI),
        shows=(SINGLE, MULTI),
        lesson="requirements.txt is copied before the app: so the packages come from the cache, and a server pulls "
        "the last layers only. Small images help the first pull; the order of lines helps every other.",
        notes="The surprise is that both are alike here: order matters, not size. `exercise start every-change` has it "
        "the wrong way round.",
    ),
    Act(
        name="hardened",
        title="Ready for production",
        says="Nobody may write to the file system, nobody gets a privilege, 256 MB of memory have to do; then it is "
        "told to stop.",
        dockerfile=_ROOT / "dockerfiles/default/multi-stage.Dockerfile",
        question="Both work. Which one is root's, which one is watched, and how long does each take to stop?",
        errand=_HARD,
        answer=answers.production,
        shows=("single-stage", "multi-stage"),
        lesson="Small is one virtue of several. The others cost a line each: USER, HEALTHCHECK, and a server that "
        "heeds SIGTERM, as both of these have. Flask's own does not, and is killed after ten seconds.",
        notes="docker stop waits ten seconds before it kills: multiply by servers and deployments. "
        "Close with the exercise named production, which has all goals at once.",
    ),
)
"""The acts, in their order."""

CLOSING = (
    "Your turn: imgcompare exercise list, and begin with imgcompare exercise start one-word",
    "Your own Dockerfiles: imgcompare run Dockerfile slim=Dockerfile.slim",
    "What a code means: imgcompare explain missing-python-module",
)
"""What the room can do next."""
