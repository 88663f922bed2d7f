# The slim image: Debian with Python and hardly anything else. The first thing to try, since
# nothing but the FROM line changes.

ARG PYTHON_VERSION=3.11

# The only line in which the three differ.
FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
USER 10001
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/dev/shm", "app:app"]
