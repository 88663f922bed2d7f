# Breaks as: missing-python-module
# What the tutorial shows, a full builder and a slim runtime.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder: the full image, so that packages can be compiled ----------
FROM python:${PYTHON_VERSION} AS builder
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim
WORKDIR /app

# Here it breaks: /app holds the code alone. Flask is in the builder's site-packages, and what
# makes this image smaller than a single slim stage is that Flask is not in it.
COPY --from=builder /app /app

EXPOSE 5000
CMD ["python", "app.py"]
