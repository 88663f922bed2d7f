"""The variants of ``common-mistakes``: the Dockerfile's name, the code of its failure, and the mistake in brief."""

from __future__ import annotations

MISTAKES = (
    ("packages-not-copied", "missing-python-module", "site-packages stays in the builder"),
    ("commands-not-copied", "executable-not-found", "site-packages is copied, /usr/local/bin is not"),
    ("user-install", "user-site-as-other-user", "pip install --user as root, run as another user"),
    ("environment-moved", "moved-virtualenv", "the virtual environment is copied to another path"),
    ("other-python", "python-version-mismatch", "packages for another Python than the image's"),
    ("newer-libc", "glibc-mismatch", "compiled against a newer C library"),
    ("other-libc", "wrong-libc", "built for musl, run on glibc"),
    ("library-not-copied", "missing-shared-library", "a library of the system stays in the builder"),
    ("loopback-only", "binds-loopback", "the app listens on 127.0.0.1"),
    ("other-port", "wrong-port", "the app listens on another port than EXPOSE says"),
    ("worker-only", "never-listens", "the container runs something that never serves"),
    ("other-prefix", "wrong-response", "the app answers below another path"),
    ("unpinned-packages", "incompatible-packages", "Flask is pinned, Werkzeug is not"),
    ("no-application", "application-not-found", "Flask is not told where the app is"),
    ("one-string", "single-string-exec", "CMD is a list with the whole line as one string"),
    ("nothing-to-do", "exits-at-once", "the program comes to its end"),
    ("too-much-memory", "out-of-memory", "it takes more memory than it may"),
    ("other-architecture", "wrong-architecture", "a program for another kind of processor"),
    ("not-executable", "permission-denied", "the start script is not executable"),
    ("windows-line-ends", "script-cannot-run", "the start script has Windows line ends"),
    ("not-writable", "permission-denied", "the app writes where only root may"),
    ("unknown-user", "unknown-user", "USER names somebody that the image does not know"),
    ("base-too-old", "base-end-of-life", "the distribution is no longer on its mirrors"),
)
