# The full image: compilers, headers, git and more come with Python. The easiest to build on,
# and the largest to ship.

ARG PYTHON_VERSION=3.11

# The only line in which the three differ.
FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
USER 10001
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/dev/shm", "app:app"]
