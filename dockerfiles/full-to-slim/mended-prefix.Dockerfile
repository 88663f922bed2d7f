# Mended with --prefix: pip installs into an empty folder, laid out as /usr/local is, and the
# runtime gets that folder on top of its own /usr/local.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim

# Packages land in /usr/local/lib/python3.X/site-packages, commands in /usr/local/bin: both
# are where this image's Python looks anyway, so no PATH has to be set.
COPY --from=builder /install /usr/local
WORKDIR /app
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
