# Single stage on the slim image: nothing clever, and it works.
#
#   docker build -f dockerfiles/slim-to-slim/single.Dockerfile -t hello:single dockerfiles/slim-to-slim/app
#   docker run --rm -p 127.0.0.1:5000:5000 hello:single

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app

# The requirements first: while they stay the same, the next step comes from the cache.
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
