# The same API in two stages: built with the full image, shipped on the slim one.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION} AS builder
RUN python -m venv --without-pip /opt/venv
WORKDIR /build
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . .
EXPOSE 8080
CMD ["python", "app.py"]
