# Mended with a virtual environment: everything that pip installs is in one folder.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION} AS builder

# --without-pip: what only runs needs no installer. The builder's own pip fills it.
RUN python -m venv --without-pip /opt/venv
WORKDIR /build
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim

# To the same path as in the builder: its commands begin with the full path of its Python.
COPY --from=builder /opt/venv /opt/venv

# First in PATH, so that `python` is the one that knows the packages.
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
