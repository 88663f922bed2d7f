# The tutorial's two stages, mended with one line: what pip installed is taken along.

# The Python version is named once. Both stages must have the same: packages live under
# lib/python3.X, and another Python would not look there.
ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS builder
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim

# An ARG that stands before the first FROM has to be asked for again in a stage.
ARG PYTHON_VERSION
WORKDIR /app

# The line that was missing. The folder also holds pip, which the slim image has already:
# it is shipped twice now, so this image is even larger than the single stage.
COPY --from=builder /usr/local/lib/python${PYTHON_VERSION}/site-packages /usr/local/lib/python${PYTHON_VERSION}/site-packages

COPY --from=builder /app /app
EXPOSE 5000
CMD ["python", "app.py"]
