# One Dockerfile, two images: what both have is in `base`, and --target says which to build.
#
#   docker build -f dockerfiles/targets/slim.Dockerfile --target development -t hello:dev dockerfiles/targets/app
#   docker build -f dockerfiles/targets/slim.Dockerfile --target production -t hello:prod dockerfiles/targets/app

ARG PYTHON_VERSION=3.11


# ---- base: what both have ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS base

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000

# Tutorials install curl for this, which the slim image has not: a dozen packages more, and one
# more reason to update. Python asks just as well.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/healthz', timeout=2)"]


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
