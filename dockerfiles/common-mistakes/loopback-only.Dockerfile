# Breaks as: binds-loopback
# Without --host, Flask listens on 127.0.0.1. In a container that is the container's own
# loopback: whoever asks from outside of it reaches nobody.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
ENV FLASK_APP=sample_app.wsgi
EXPOSE 5000
CMD ["flask", "run"]
