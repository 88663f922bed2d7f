# Multi-stage: build in one image, run in another, and take along only what runs.
#
#   docker build -f dockerfiles/default/multi-stage.Dockerfile -t hello:multi sample_app
#   docker run --rm -p 127.0.0.1:5000:5000 hello:multi

# The Python version is named once, for both stages. They must agree: packages live
# under lib/python3.X, and another Python would not find them there.
ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder: has every tool, and is thrown away ------------------------
FROM python:${PYTHON_VERSION} AS builder

# A virtual environment holds all packages and their commands in one folder, which makes
# them easy to carry over. --without-pip: what only runs needs no installer.
RUN python -m venv --without-pip /opt/venv

# The requirements alone come first: while they stay the same, the next step comes from
# the build cache, whatever happens to the code.
WORKDIR /build
COPY requirements.txt .

# The builder's own pip installs into the virtual environment, and compiles the packages
# to bytecode as it does: the app could not write any later, since it will not be root.
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt


# ---- Stage 2, the runtime: the image that is shipped ---------------------------------
FROM python:${PYTHON_VERSION}-slim

# An account that owns nothing and cannot log in.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app

# To the same path as in the builder: the commands in a virtual environment begin with
# the full path of its Python, and break when it is moved.
COPY --from=builder /opt/venv /opt/venv

# The files stay root's, so the app can read its own code but not rewrite it.
WORKDIR /app
COPY . sample_app/

# With the virtual environment first in PATH, `python` and `gunicorn` are its own.
# gunicorn listens on all addresses, at the port that PORT names.
ENV PATH=/opt/venv/bin:$PATH \
    PORT=5000 \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000

# By number, because Kubernetes can only tell from a number that this is not root.
USER 10001

# Python asks the app, so that curl need not be installed. http.client, because it
# never sends a request for our own address through a proxy.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import os, sys, http.client as h; c = h.HTTPConnection('127.0.0.1', os.environ['PORT'], timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

# `docker stop` sends this; gunicorn then takes no new requests and finishes those under
# way. It gets 8 seconds for that, because Docker kills after 10.
STOPSIGNAL SIGTERM

# The heartbeat files of the workers go to memory: on a slow disk they would make gunicorn
# take a busy worker for a dead one. The app is loaded once, before the workers part from it:
# they start faster and share its memory. The control socket is off: nothing here would use it.
CMD ["gunicorn", "--workers=2", "--preload", "--access-logfile=-", "--worker-tmp-dir=/dev/shm", "--graceful-timeout=8", "--no-control-socket", "sample_app.wsgi:app"]
