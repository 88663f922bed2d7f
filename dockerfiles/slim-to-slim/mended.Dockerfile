# The tutorial's two stages, mended with one line: what pip installed is taken along.

# Both stages must have the same Python: packages live under lib/python3.X, and another Python
# would not look there.
ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS builder
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim
WORKDIR /app

# The line that was missing; its path names the version once more. The folder also holds pip,
# which the slim image has already: it is shipped twice now, so this image is even larger than
# the single stage.
COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages

COPY --from=builder /app /app
EXPOSE 5000
CMD ["python", "app.py"]
