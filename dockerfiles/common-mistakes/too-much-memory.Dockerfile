# Breaks as: out-of-memory
# A cache of 2 GB is filled before the first request; the container may have 1 GiB.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-c", "cache = b'x' * 2_000_000_000; from sample_app.serve import main; main()"]
