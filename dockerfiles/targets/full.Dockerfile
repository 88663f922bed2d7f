# The production image once more, on the full Python image, which has curl and much else.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:5000/healthz"]
USER 10001
ENV PYTHONDONTWRITEBYTECODE=1
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--workers=4", "--worker-tmp-dir=/dev/shm", "app:app"]
