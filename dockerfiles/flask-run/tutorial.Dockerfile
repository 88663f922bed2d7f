# Breaks as: executable-not-found
# What the tutorial shows. Not even Python is started here.

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

# Here it breaks, and in two ways. `flask` is a small program that pip puts into
# /usr/local/bin, and its packages are in site-packages: neither is in /app.
COPY --from=builder /app /app

ENV FLASK_APP=app.py \
    FLASK_ENV=production
EXPOSE 5000
CMD ["flask", "run", "--host=0.0.0.0"]
