# Single stage on the slim image. The tutorial measures its multi-stage build against this.
#
#   docker build -f dockerfiles/full-to-slim/single-slim.Dockerfile -t hello:slim dockerfiles/full-to-slim/app
#   docker run --rm -p 127.0.0.1:5000:5000 hello:slim

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
