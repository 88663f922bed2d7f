# One Dockerfile, two images: what both have is in `base`, and --target says which to build.
#
#   docker build -f dockerfiles/targets/slim.Dockerfile --target development -t hello:dev dockerfiles/targets/app
#   docker build -f dockerfiles/targets/slim.Dockerfile --target production -t hello:prod dockerfiles/targets/app

ARG PYTHON_VERSION=3.11


# ---- base: what both have ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS base

# curl is for the HEALTHCHECK. The slim image has none; one step installs it and removes the
# package lists again, since a later step could only hide them. Any version will do (=*).
RUN apt-get update \
    && apt-get install -y --no-install-recommends 'curl=*' \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:5000/healthz"]


# ---- development: Flask's own server, which reloads the code and has a debugger --------
FROM base AS development
CMD ["flask", "--app=app", "run", "--host=0.0.0.0", "--debug"]


# ---- production: the last stage, so it is what a build without --target makes -----------
FROM base AS production

# The code stays root's: the app can read it, and not rewrite it. By number, because only of
# a number can Kubernetes tell that it is not root.
USER 10001

# gunicorn with four workers. Their heartbeat files go to memory, and Python writes no .pyc:
# this runs with a read-only file system too (`--hardened` tries it).
ENV PYTHONDONTWRITEBYTECODE=1
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--workers=4", "--worker-tmp-dir=/dev/shm", "app:app"]
