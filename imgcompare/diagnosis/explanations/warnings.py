"""Codes of what is said against variants that work, and of those that do not under restrictions."""

from __future__ import annotations

from imgcompare.diagnosis.explanations.entry import HEALTHCHECK, Explanation

WARNINGS = (
    Explanation(
        code="runs-as-root",
        summary="the image's user is root",
        looks=("USER is not set",),
        why="Whoever breaks into the app is root in the container, may change everything in it, and needs one "
        "flaw less to get out of it. An app needs no more than its own user, who owns nothing but what it has "
        "to write.",
        before=('CMD ["gunicorn", "app:app"]',),
        after=("RUN useradd --uid 10001 --no-create-home app", "USER 10001", 'CMD ["gunicorn", "app:app"]'),
        see=("docker run --rm --entrypoint id IMAGE",),
    ),
    Explanation(
        code="secret-in-image",
        summary="an `ENV`, an `ARG` or a copied file holds a secret, by its name or form; only names are told",
        looks=("ENV API_TOKEN=…",),
        why="What ENV sets is in the image's config, and what ARG gives to a RUN is in its history: everybody who "
        "can pull the image reads it, also after a later line unsets it. Give secrets to the container when "
        "it runs, and to a build as a secret mount.",
        before=("ARG PIP_TOKEN", "RUN pip install --index-url https://$PIP_TOKEN@…"),
        after=("RUN --mount=type=secret,id=pip,target=/etc/pip.conf pip install -r requirements.txt",),
        see=("docker history --no-trunc IMAGE",),
    ),
    Explanation(
        code="debug-mode",
        summary="the log or `FLASK_DEBUG` says that debug mode is on",
        looks=(" * Debug mode: on",),
        why="Flask's debug mode shows the source and a console to whoever makes the app fail: with its PIN, "
        "anybody can run any Python in the container.",
        before=("ENV FLASK_DEBUG=1", 'CMD ["flask", "run", "--host=0.0.0.0"]'),
        after=('CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]', "# and no debug=True in app.run()"),
        see=("docker logs CONTAINER",),
    ),
    Explanation(
        code="development-server",
        summary="a development server serves the app, or a server with --reload",
        looks=("WARNING: This is a development server. Do not use it in a production deployment.",),
        why="Flask's own server is for trying things out: it is slow under load, was never hardened, and as a "
        "container's first program does not stop when it is told to.",
        before=('CMD ["flask", "run", "--host=0.0.0.0"]',),
        after=("RUN pip install --no-cache-dir gunicorn", 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]'),
        see=("docker logs CONTAINER",),
    ),
    Explanation(
        code="ignores-stop-signal",
        summary="it had to be killed (`--stop`)",
        looks=("killed after 10 s",),
        why="`docker stop` sends SIGTERM and kills after ten seconds. The kernel gives a container's first "
        "program no default action for signals: one that does not handle SIGTERM does not even notice, and so "
        "does a shell that stands before it (CMD without brackets). Every deployment then takes those ten "
        "seconds and cuts requests off.",
        before=("CMD python app.py",),
        after=(
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',
            "# a program that handles no signals: STOPSIGNAL SIGINT, or docker run --init",
        ),
        see=("time docker stop CONTAINER",),
    ),
    Explanation(
        code="no-healthcheck",
        summary="there is no `HEALTHCHECK`; `HEALTHCHECK NONE` counts as one",
        looks=("the image's config has no Healthcheck",),
        why="Without one, an engine knows only whether the program runs, and not whether it answers. Kubernetes "
        "has checks of its own and ignores it: HEALTHCHECK NONE says that this is meant.",
        before=("EXPOSE 5000",),
        after=(
            "EXPOSE 5000",
            HEALTHCHECK,
        ),
        see=("docker image inspect --format '{{json .Config.Healthcheck}}' IMAGE",),
    ),
    Explanation(
        code="no-expose",
        summary="there is no `EXPOSE` of the port that it answers on",
        looks=("the image's config has no ExposedPorts",),
        why="EXPOSE opens nothing, it tells: `docker run --publish-all`, reverse proxies and platforms find the "
        "port there, and so does who reads the Dockerfile. Without it everybody has to start the image and look.",
        before=('CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',),
        after=("EXPOSE 5000", 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]'),
        see=("docker image inspect --format '{{json .Config.ExposedPorts}}' IMAGE",),
    ),
    Explanation(
        code="same-payload-twice",
        summary="a `chown` or `chmod` in a step of its own stores 500 kB or more again",
        looks=("RUN chown -R app /app",),
        why="A layer holds whole files. Changing the owner or the mode of a file in a later step stores all of it "
        "again, and both copies are pulled. COPY can set the owner as it copies.",
        before=("COPY . /app", "RUN chown -R app /app"),
        after=("COPY --chown=app . /app",),
        see=("docker history IMAGE", "imgcompare inspect IMAGE"),
    ),
    Explanation(
        code="flask-env-ignored",
        summary="`FLASK_ENV` is set and Flask is 2.3 or newer",
        looks=("ENV FLASK_ENV=production",),
        why="Flask took FLASK_ENV away in version 2.3: it is read by nobody, and “production” makes nothing "
        "safer. Debug mode is off unless FLASK_DEBUG, --debug or debug=True switches it on.",
        before=("ENV FLASK_ENV=production",),
        after=("# leave it out",),
        see=("docker run --rm --entrypoint flask IMAGE --version",),
    ),
    Explanation(
        code="read-only-root",
        summary="it writes to its root file system",
        looks=("OSError: [Errno 30] Read-only file system: '/app/cache'",),
        why="With --hardened the root file system is read-only, as it should be in production: what an attacker "
        "cannot write does not stay. /tmp and /run are writable folders in memory. Let the app write there, "
        "or give it a volume for what has to stay.",
        before=("# the app writes to /app/cache",),
        after=("ENV CACHE_DIR=/tmp/cache", "# or: docker run --read-only --tmpfs /tmp --tmpfs /app/cache IMAGE"),
        see=("docker diff CONTAINER",),
    ),
    Explanation(
        code="needs-capability",
        summary="it needs a capability of root's",
        looks=("PermissionError: [Errno 1] Operation not permitted",),
        why="Root's power comes in parts, the capabilities, and with --hardened all are taken away: an app that "
        "serves HTTP on a port above 1023 as a user of its own needs none. Most often a start script begins "
        "as root, to chown or to change the user.",
        before=('ENTRYPOINT ["sh", "-c", "chown -R app /data && exec gosu app gunicorn app:app"]',),
        after=("RUN mkdir /data && chown app /data", "USER app", 'CMD ["gunicorn", "app:app"]'),
        see=("docker run --rm --cap-drop ALL IMAGE",),
    ),
    Explanation(
        code="needs-new-privileges",
        summary="it runs a set-user-id program",
        looks=('sudo: The "no new privileges" flag is set, which prevents sudo from running as root.',),
        why="A set-user-id program, such as sudo, runs as its owner whoever starts it. With --hardened that is "
        "not possible, so that nobody becomes root from inside. An app needs none: start it as the user that "
        "it is to run as.",
        before=('CMD ["sudo", "-u", "app", "gunicorn", "app:app"]',),
        after=("USER app", 'CMD ["gunicorn", "app:app"]'),
        see=("docker run --rm --security-opt no-new-privileges IMAGE",),
    ),
    Explanation(
        code="needs-memory",
        summary="it needs more than 256 MB of memory",
        looks=("exit code 137",),
        why="With --hardened a container may take 256 MB, which is plenty for a small app. Each gunicorn worker "
        "has a copy of the app of its own; with --preload they share what was loaded before they part.",
        before=('CMD ["gunicorn", "--workers=8", "app:app"]',),
        after=('CMD ["gunicorn", "--workers=2", "--preload", "app:app"]',),
        see=("docker run --rm --memory 256m IMAGE", "docker stats CONTAINER"),
    ),
    Explanation(
        code="needs-cpu",
        summary="with one CPU it does not answer in time",
        looks=("No reply on container port 5000 within 60 s",),
        why="With --hardened a container has one CPU. An app that works hard while it starts (compiling, loading "
        "a model) then answers too late. Do that work in the build.",
        before=('CMD ["sh", "-c", "python -m compileall . && gunicorn app:app"]',),
        after=("RUN python -m compileall .", 'CMD ["gunicorn", "app:app"]'),
        see=("docker run --rm --cpus 1 IMAGE",),
    ),
)
