# Breaks as: missing-python-module
# What the tutorial shows. It builds without a word, and is the smallest.
# Look for what is missing before you read on.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS builder
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .


# ---- Stage 2, the image that is shipped: a new slim image, as if stage 1 had never been
FROM python:${PYTHON_VERSION}-slim
WORKDIR /app

# Here it breaks. pip did not install into /app: Flask is in the builder's
# /usr/local/lib/python3.11/site-packages, and that folder stays behind.
COPY --from=builder /app /app

EXPOSE 5000
CMD ["python", "app.py"]
