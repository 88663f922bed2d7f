# Breaks as: base-end-of-life
# A distribution at its end of life is taken off the mirrors: its package lists are 404. The
# mirror here is one of the build's own, so that no real one is asked for what it lacks.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
RUN rm -rf /etc/apt/sources.list.d \
    && echo 'deb http://localhost:8000/debian buster main' > /etc/apt/sources.list
RUN (python -m http.server --bind 127.0.0.1 --directory /opt 8000 &) \
    && until python -c "import socket; socket.create_connection(('127.0.0.1', 8000))"; do sleep 0.1; done 2> /dev/null \
    && apt-get update \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
